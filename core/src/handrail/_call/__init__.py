"""What happens in one request: conversation, options, input rails, response, log, and checks alone."""
