"""How the model was made: a corpus, a tokenizer, a Llama; `python -m training` does it all."""
