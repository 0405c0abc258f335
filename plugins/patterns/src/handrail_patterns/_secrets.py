"""Secrets: keys, tokens and passwords, by the formats that their issuers have published and by the names of fields."""

from __future__ import annotations

import re

from handrail_patterns._assigned import ASSIGNED, AUTHORIZATION, AWS_SECRET_KEY, PASSWORD, is_mixed
from handrail_patterns._edges import JOINED, LEFT
from handrail_patterns._kind import Kind, Way
from handrail_patterns._private_key import PRIVATE_KEY
from handrail_patterns._services import B64, END, SERVICES, token
from handrail_patterns._urls import SERVICE, credentials, has_password

_DOT = r"(?:\.(?:\\?\r?\n[ \t]{0,8})?|%2[eE])"
"""Between the parts of a token, which may have a line each, or be in a URL."""
_PART = r"[A-Za-z0-9_.-]"
_JWT = re.compile(rf"eyJ{B64}{{8,}}\.eyJ{B64}{{8,}}\.(?:{B64}{{16,}})?")


def _is_jwt_in_parts(text: str) -> bool:
    """Return whether parts that are joined are one token, so that it is none that a text goes on after."""
    return _JWT.fullmatch(re.sub(JOINED, "", text)) is not None


CONNECTION_STRING = Kind(
    "connection_string",
    "CONNECTION_STRING",
    (
        credentials(SERVICE),
        Way(
            r"[^;\s\"'`<>\\]{3,256}", lead=r";\s?(?i:password|pwd)\s?=\s?", check=lambda text: has_password(f":{text}")
        ),
        Way(
            r"[^;\s\"'`<>\\]{3,256}(?=;\s?[A-Za-z][A-Za-z ]{1,30}=)",
            lead=rf"{LEFT}(?i:password|pwd)\s?=\s?",
            check=lambda text: has_password(f":{text}"),
        ),
        Way(
            r"[A-Za-z0-9+/%=&.:_-]{16,512}",
            lead=rf"{LEFT}(?i:accountkey|sharedaccesskey|sharedaccesssignature)\s?=\s?",
            check=lambda text: any(map(str.isdigit, text)) and any(map(str.isalpha, text)),
        ),
        Way(r"[A-Za-z0-9%+/_-]{16,128}={0,2}", lead=r"[?&;]sig=", check=is_mixed),
    ),
    summary="password in a connection string or a service's URL, Azure account key or shared access signature",
    form="`service://user:password@host`; `;Password=`, `;Pwd=`; `AccountKey=`, `SharedAccessKey=`; `&sig=`",
    checksum="no variable and no placeholder",
)

SECRETS: tuple[Kind, ...] = (
    PRIVATE_KEY,
    Kind(
        "jwt",
        "JWT",
        (
            Way(rf"{LEFT}eyJ{B64}{{8,1024}}+{_DOT}eyJ{B64}{{8,8192}}+{_DOT}(?:{B64}{{16,2048}})?"),
            Way(
                rf"{LEFT}eyJ{_PART}{{4,1024}}+"
                rf"(?:{JOINED}(?=[A-Za-z_.-]{{0,60}}+\d){_PART}{{4,1024}}+"
                r"(?=[ \t\\]{0,8}[\r\n\"'`]|\Z)){1,40}",
                check=_is_jwt_in_parts,
            ),
            Way(rf"{LEFT}eyJ{B64}{{8,1024}}\.{B64}{{0,1024}}\.{B64}{{8,64}}\.{B64}{{1,8192}}\.{B64}{{8,128}}"),
        ),
        summary="JSON web token, signed, unsigned or encrypted",
        form="three or five parts of Base64 with dots, the first a JSON object, of three the second, too; "
        "three also over lines and as joined strings",
    ),
    CONNECTION_STRING,
    AUTHORIZATION,
    AWS_SECRET_KEY,
    token(
        "aws_access_key",
        "AWS access key id",
        rf"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{{16}}{END}",
        two_lines=("A[KSBC][IC]A",),
    ),
    token(
        "github_token",
        "GitHub token",
        r"gh[pousr]_[A-Za-z0-9]{36,251}",
        r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
        two_lines=("gh[pousr]_", "github_pat_"),
    ),
    token(
        "gitlab_token",
        "GitLab token",
        r"gl(?:pat|ptt|dt|rt|soat|cbt|ft|imt|agent|oas|wt|ffct)-[\w.-]{20,300}(?<![.-])",
        two_lines=("gl(?:pat|rt|dt)-",),
    ),
    token(
        "slack_token",
        "Slack token or webhook",
        r"xox[abceoprs](?:\.xox[bp])?-\d[A-Za-z0-9-]{10,250}",
        r"xox[ar]-(?=[A-Za-z]{0,40}\d)[A-Za-z0-9]{16,48}",
        r"xoxd-[A-Za-z0-9%+/=_-]{20,400}",
        r"xapp-\d-[A-Za-z0-9-]{10,250}",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/]{20,120}",
        two_lines=("xox[abceoprs]-", "xapp-"),
    ),
    token(
        "google_api_key",
        "Google API key",
        rf"AIza{B64}{{35}}(?![\w-])",
        rf"AQ\.Ab{B64}{{40,100}}",
        rf"AAAA{B64}{{7}}:APA91b{B64}{{120,200}}",
        two_lines=("AIza",),
    ),
    token(
        "google_oauth",
        "Google OAuth client secret, access or refresh token",
        rf"GOCSPX-{B64}{{28}}(?![\w-])",
        rf"ya29\.{B64}{{20,1024}}",
        rf"1//0{B64}{{40,200}}",
    ),
    token(
        "openai_key",
        "OpenAI API key",
        rf"sk-(?:proj|svcacct|admin|None|service)-{B64}{{20,200}}",
        r"sk-[A-Za-z0-9]{20,64}(?![\w-])",
        check=is_mixed,
        two_lines=("sk-(?!ant-|or-)",),
    ),
    token("anthropic_key", "Anthropic API key", rf"sk-ant-{B64}{{20,200}}", check=is_mixed, two_lines=("sk-ant-",)),
    token("openrouter_key", "OpenRouter API key", r"sk-or-[\w-]{20,128}", check=is_mixed),
    token(
        "langfuse_key",
        "Langfuse or LangSmith key",
        r"[sp]k-lf-[0-9a-f-]{36}",
        r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}",
    ),
    token("huggingface_token", "Hugging Face token", rf"(?:hf_|api_org_)[A-Za-z0-9]{{34,40}}{END}", two_lines=("hf_",)),
    token("groq_key", "Groq API key", r"gsk_[A-Za-z0-9]{52}"),
    token("xai_key", "xAI API key", r"xai-[A-Za-z0-9]{70,90}"),
    token("perplexity_key", "Perplexity API key", r"pplx-[A-Za-z0-9]{40,64}"),
    token("replicate_token", "Replicate token", rf"r8_[A-Za-z0-9]{{37,40}}{END}"),
    token("tavily_key", "Tavily API key", r"tvly-(?:dev-|prod-)?[A-Za-z0-9-]{20,64}", check=is_mixed),
    token("nvidia_key", "NVIDIA API key", r"nvapi-[\w-]{60,80}"),
    token(
        "stripe_key",
        "Stripe key or webhook secret",
        r"(?:[spr]k_(?:live|test|prod)|whsec)_[A-Za-z0-9+/=]{16,247}",
        two_lines=("[spr]k_(?:live|test|prod)_",),
    ),
    token("twilio_key", "Twilio key or account", rf"(?:SK|AC)[0-9a-f]{{32}}{END}"),
    token("sendgrid_key", "SendGrid API key", rf"SG\.{B64}{{22}}\.{B64}{{43}}"),
    token("brevo_key", "Brevo API key", r"xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    token("resend_key", "Resend API key", r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
    token("mailgun_key", "Mailgun API key", rf"key-[0-9a-f]{{32}}{END}"),
    token("mailchimp_key", "Mailchimp API key", r"[0-9a-f]{32}-us\d{1,2}(?!\d)"),
    token("npm_token", "npm token", rf"npm_[A-Za-z0-9]{{36}}{END}"),
    token("pypi_token", "PyPI token", rf"pypi-{B64}{{50,512}}"),
    token("docker_token", "Docker Hub token", rf"dckr_(?:pat|oat)_{B64}{{24,64}}"),
    token("digitalocean_token", "DigitalOcean token", r"do[oprt]_v1_[0-9a-f]{64}"),
    token("azure_client_secret", "Azure client secret", r"[A-Za-z0-9_~.]{3}\dQ~[\w~.-]{31,34}(?![\w~-])"),
    token("databricks_token", "Databricks token", rf"dapi[0-9a-f]{{32}}(?:-\d)?{END}"),
    token("shopify_token", "Shopify token", rf"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{{32}}{END}"),
    token("square_token", "Square token", rf"sq0(?:atp|csp|idp)-{B64}{{22,60}}", rf"EAAA{B64}{{56,64}}"),
    token("telegram_token", "Telegram bot token", rf"\d{{8,10}}:AA{B64}{{33}}(?![\w-])"),
    token(
        "discord_token",
        "Discord bot token or webhook",
        rf"[MNO][A-Za-z0-9]{{23,27}}\.{B64}{{6}}\.{B64}{{27,40}}",
        rf"discord(?:app)?\.com/api/webhooks/\d{{17,20}}/{B64}{{60,80}}",
    ),
    token("vault_token", "HashiCorp Vault token", rf"hv[sbr]\.{B64}{{24,300}}"),
    token("terraform_token", "Terraform Cloud token", rf"[A-Za-z0-9]{{14}}\.atlasv1\.{B64}{{60,70}}"),
    token("grafana_token", "Grafana token", r"gl(?:sa|c)_[A-Za-z0-9+/=_]{32,400}"),
    token("sentry_token", "Sentry token", r"sntry[su]_[A-Za-z0-9+/=_]{40,400}"),
    token("newrelic_key", "New Relic key", r"NRAK-[A-Z0-9]{27}"),
    token("postman_key", "Postman API key", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    token("linear_key", "Linear API key", r"lin_(?:api|oauth)_[A-Za-z0-9]{40,64}"),
    token("notion_token", "Notion token", r"ntn_[A-Za-z0-9]{40,50}", rf"secret_[A-Za-z0-9]{{43}}{END}"),
    token("figma_token", "Figma token", rf"fig[dou]_{B64}{{38,64}}"),
    token(
        "atlassian_token",
        "Atlassian or Bitbucket token",
        r"AT(?:AT|CT)T3[A-Za-z0-9_=-]{100,250}",
        rf"ATBB[A-Za-z0-9]{{32}}{END}",
    ),
    token("supabase_key", "Supabase key or token", r"sbp_[0-9a-f]{40}", rf"sb_secret_{B64}{{20,64}}"),
    token("planetscale_token", "PlanetScale password or token", r"pscale_(?:pw|tkn|oauth)_[\w.=-]{32,64}"),
    token("heroku_key", "Heroku API key", rf"HRKU-{B64}{{36,64}}"),
    token("onepassword_token", "1Password service account token", r"ops_eyJ[A-Za-z0-9+/=_-]{100,1000}"),
    *SERVICES,
    token("age_key", "age private key", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    PASSWORD,
    ASSIGNED,
)
