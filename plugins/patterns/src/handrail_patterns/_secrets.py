"""Secrets: keys, tokens and passwords, by the formats that their issuers have published."""

from __future__ import annotations

from handrail_patterns._kind import Kind

_LEFT = "(?<![0-9A-Za-z])"
_RIGHT = r"(?![\w-])"
_SERVICE = (
    r"(?:amqps?|c(?:lickhouse|assandra)|ftps?|kafka|ldaps?|m(?:ysql|ariadb|ssql|ongodb(?:\+srv)?|qtts?)|nats|oracle|"
    r"postgres(?:ql)?|rediss?|s(?:qlserver|ftp|mtps?|nowflake))(?:\+\w{1,20})?"
)
_BASE64 = "[A-Za-z0-9_-]"
_BREAK = r"(?:\s|\\[nr]){1,8}"
_KEY_NAME = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?"
_KEY_HEADER = r"[^\S\n]{0,4}\n[A-Z][A-Za-z-]{2,30}: [^\n]{1,120}"


def _token(name: str, pattern: str, summary: str, *more: str) -> Kind:
    """Make a kind whose tokens stand apart from letters and digits before them."""
    return Kind(name, name.upper(), _LEFT + pattern, None, summary, tuple(_LEFT + other for other in more))


def _is_mixed(text: str) -> bool:
    """Tell a random value from a word: it has digits and letters, and ten different characters."""
    value = text.rpartition("=")[2] or text
    value = value.rpartition(":")[2] or value
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value)) and len(set(value)) >= 10


SECRETS: tuple[Kind, ...] = (
    Kind(
        "private_key",
        "PRIVATE_KEY",
        # Also without its last line: a key that is cut off is still a key.
        rf"-----BEGIN {_KEY_NAME}-----(?:{_KEY_HEADER}){{0,6}}(?:{_BREAK}[A-Za-z0-9+/=]{{16,2048}}){{0,400}}"
        rf"(?:(?:{_BREAK}[A-Za-z0-9+/=]{{1,64}})?{_BREAK}-----END {_KEY_NAME}-----)?",
        summary="private key in PEM or PGP armour, over all its lines",
        limit=32_768,
    ),
    Kind(
        "jwt",
        "JWT",
        rf"{_LEFT}eyJ{_BASE64}{{8,4096}}\.eyJ{_BASE64}{{8,8192}}\.{_BASE64}{{16,2048}}",
        summary="signed JSON web token",
    ),
    Kind(
        "connection_string",
        "CONNECTION_STRING",
        _LEFT + _SERVICE + r"://[^\s/?#@:]{0,128}:[^\s/?#@]{1,256}@[\w.:,%\[\]-]{0,254}[\w\]]",
        summary="connection string or URL with a password",
        more=(
            _LEFT + r"(?i:password|pwd|accountkey|sharedaccesskey|sharedaccesssignature) ?= ?[^\s;\"'<>]{6,256}",
            _LEFT + r"(?i:server|data source|host)=[^;\n]{1,128};(?:[^;=\n]{1,40}=[^;\n]{0,128};){0,8}"
            r"(?i:password|pwd)=[^;\s]{1,256}",
        ),
    ),
    _token("aws_access_key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![0-9A-Za-z])", "AWS access key id"),
    Kind(
        "aws_secret_key",
        "AWS_SECRET_KEY",
        _LEFT + r"(?i:aws_?secret_?(?:access_?)?key)[\"']?\s{0,3}[=:]\s{0,3}[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
        summary="AWS secret access key, after its name",
    ),
    _token(
        "github_token",
        r"gh[pousr]_[A-Za-z0-9]{36,251}",
        "GitHub token",
        r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
    ),
    _token("gitlab_token", r"gl(?:pat|ptt|dt|rt|soat|cbt|ft|imt|agent|oas)-[\w.-]{20,128}", "GitLab token"),
    _token(
        "slack_token",
        r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,250}",
        "Slack token or webhook",
        r"xapp-\d-[A-Za-z0-9-]{10,250}",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/]{20,120}",
    ),
    _token("google_api_key", rf"AIza{_BASE64}{{35}}{_RIGHT}", "Google API key"),
    _token(
        "google_oauth",
        rf"GOCSPX-{_BASE64}{{28}}{_RIGHT}",
        "Google OAuth client secret or access token",
        rf"ya29\.{_BASE64}{{20,1024}}",
    ),
    _token("openai_key", rf"sk-(?:proj-|svcacct-|admin-|None-)?(?!ant-|or-){_BASE64}{{20,200}}", "OpenAI API key"),
    _token("anthropic_key", rf"sk-ant-{_BASE64}{{20,200}}", "Anthropic API key"),
    _token("openrouter_key", r"sk-or-[\w-]{20,128}", "OpenRouter API key"),
    _token("huggingface_token", r"(?:hf_|api_org_)[A-Za-z0-9]{34,40}(?![0-9A-Za-z])", "Hugging Face token"),
    _token("groq_key", r"gsk_[A-Za-z0-9]{52}", "Groq API key"),
    _token("nvidia_key", r"nvapi-[\w-]{60,80}", "NVIDIA API key"),
    _token("stripe_key", r"(?:[spr]k_(?:live|test|prod)|whsec)_[A-Za-z0-9+/=]{16,247}", "Stripe key or webhook secret"),
    _token("twilio_key", r"(?:SK|AC)[0-9a-f]{32}(?![0-9A-Za-z])", "Twilio key or account"),
    _token("sendgrid_key", rf"SG\.{_BASE64}{{22}}\.{_BASE64}{{43}}", "SendGrid API key"),
    _token("mailgun_key", r"key-[0-9a-f]{32}(?![0-9A-Za-z])", "Mailgun API key"),
    _token("mailchimp_key", r"[0-9a-f]{32}-us\d{1,2}(?!\d)", "Mailchimp API key"),
    _token("npm_token", r"npm_[A-Za-z0-9]{36}(?![0-9A-Za-z])", "npm token"),
    _token("pypi_token", rf"pypi-{_BASE64}{{50,512}}", "PyPI token"),
    _token("docker_token", rf"dckr_(?:pat|oat)_{_BASE64}{{24,64}}", "Docker Hub token"),
    _token("digitalocean_token", r"do[oprt]_v1_[0-9a-f]{64}", "DigitalOcean token"),
    _token("azure_client_secret", r"[A-Za-z0-9_~.]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])", "Azure client secret"),
    _token("databricks_token", r"dapi[0-9a-f]{32}(?:-\d)?(?![0-9A-Za-z])", "Databricks token"),
    _token("shopify_token", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}(?![0-9A-Za-z])", "Shopify token"),
    _token("square_token", rf"(?:sq0(?:atp|csp|idp)-{_BASE64}{{22,60}}|EAAA{_BASE64}{{56,64}})", "Square token"),
    _token("telegram_token", rf"\d{{8,10}}:AA{_BASE64}{{33}}{_RIGHT}", "Telegram bot token"),
    _token("discord_token", rf"[MNO][A-Za-z0-9]{{23,27}}\.{_BASE64}{{6}}\.{_BASE64}{{27,40}}", "Discord bot token"),
    _token("vault_token", rf"hv[sbr]\.{_BASE64}{{24,300}}", "HashiCorp Vault token"),
    _token("terraform_token", rf"[A-Za-z0-9]{{14}}\.atlasv1\.{_BASE64}{{60,70}}", "Terraform Cloud token"),
    _token("grafana_token", r"gl(?:sa|c)_[A-Za-z0-9+/=_]{32,400}", "Grafana token"),
    _token("newrelic_key", r"NRAK-[A-Z0-9]{27}", "New Relic key"),
    _token("postman_key", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}", "Postman API key"),
    _token("linear_key", r"lin_(?:api|oauth)_[A-Za-z0-9]{40,64}", "Linear API key"),
    _token("notion_token", r"ntn_[A-Za-z0-9]{40,50}", "Notion token"),
    _token("age_key", r"AGE-SECRET-KEY-1[A-Z0-9]{58}", "age private key"),
    Kind(
        "assigned_secret",
        "SECRET",
        _LEFT + r"(?i:(?:api|access|auth|client|secret|private)[_-]?(?:key|token|secret))[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
        r"[\w.+/=~-]{16,256}",
        _is_mixed,
        "value that is assigned to a name such as api_key",
    ),
)
