"""The shapes of services' tokens, as their issuers show them, and tokens made up by them."""

from __future__ import annotations

import random
import re
import string

ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "B": string.ascii_letters + string.digits + "-_",
    "U": string.ascii_uppercase + string.digits,
    "d": string.digits,
    "h": "0123456789abcdef",
}

# A token's shape: `{A40}` are 40 letters and digits, B has - and _ too, U capitals and digits, h hexadecimal digits.
SHAPES = {
    "google_api_key": ["AAAA{A7}:APA91b{A134}"],
    "google_oauth": ["GOCSPX-{A28}", "ya29.{A120}", "1//0{B80}A"],
    "openai_key": ["sk-{A48}", "sk-proj-{B120}A", "sk-svcacct-{B120}A"],
    "openrouter_key": ["sk-or-v1-{h64}"],
    "langfuse_key": ["sk-lf-{h8}-{h4}-{h4}-{h4}-{h12}", "pk-lf-{h8}-{h4}-{h4}-{h4}-{h12}", "lsv2_pt_{h32}_{h10}"],
    "groq_key": ["gsk_{A52}"],
    "xai_key": ["xai-{A80}"],
    "perplexity_key": ["pplx-{A48}"],
    "replicate_token": ["r8_{A37}"],
    "tavily_key": ["tvly-{A32}", "tvly-dev-{A32}"],
    "nvidia_key": ["nvapi-{B64}"],
    "brevo_key": ["xkeysib-{h64}-{A16}"],
    "resend_key": ["re_{A8}_{A24}"],
    "mailgun_key": ["key-{h32}"],
    "mailchimp_key": ["{h32}-us{d2}"],
    "pypi_token": ["pypi-AgEIcHlwaS5vcmc{B140}A"],
    "docker_token": ["dckr_pat_{B27}", "dckr_oat_{B32}"],
    "digitalocean_token": ["dop_v1_{h64}", "doo_v1_{h64}", "dor_v1_{h64}"],
    "azure_client_secret": ["{A3}8Q~{A34}"],
    "databricks_token": ["dapi{h32}", "dapi{h32}-2"],
    "shopify_token": ["shpat_{h32}", "shpss_{h32}"],
    "square_token": ["sq0atp-{B22}", "sq0csp-{B43}", "EAAA{B60}"],
    "telegram_token": ["{d10}:AA{A33}", "{d9}:AA{A33}"],
    "discord_token": ["M{A23}.{B6}.{B27}", "O{A25}.{B6}.{B38}", "discord.com/api/webhooks/{d18}/{B67}A"],
    "vault_token": ["hvs.{B90}A", "hvb.{B140}A"],
    "terraform_token": ["{A14}.atlasv1.{B67}"],
    "grafana_token": ["glsa_{A32}_{h8}", "glc_{A80}=="],
    "sentry_token": ["sntrys_{A120}_{A43}", "sntryu_{h64}"],
    "newrelic_key": ["NRAK-{U27}"],
    "postman_key": ["PMAK-{h24}-{h34}"],
    "linear_key": ["lin_api_{A40}"],
    "notion_token": ["ntn_{A46}", "secret_{A43}"],
    "figma_token": ["figd_{A40}"],
    "atlassian_token": ["ATATT3{A180}={U8}", "ATCTT3{A180}={U8}", "ATBB{A32}"],
    "supabase_key": ["sbp_{h40}", "sb_secret_{A31}"],
    "planetscale_token": ["pscale_tkn_{B43}", "pscale_pw_{B43}"],
    "heroku_key": ["HRKU-{h8}-{h4}-{h4}-{h4}-{h12}", "HRKU-AA{A58}"],
    "onepassword_token": ["ops_eyJ{A250}"],
    "airtable_token": ["pat{A14}.{h64}"],
    "alibaba_key": ["LTAI4{A19}"],
    "asana_token": ["1/{d16}:{h32}", "2/{d16}/{d16}:{h32}"],
    "bedrock_key": ["ABSK{A109}="],
    "buildkite_token": ["bkua_{h40}"],
    "cerebras_key": ["csk-4{A47}"],
    "circleci_token": ["CCIPAT_{A22}_{h40}"],
    "cloudflare_key": ["v1.0-{h24}-{h146}"],
    "crates_token": ["cio7{A31}"],
    "doppler_token": ["dp.pt.{A43}"],
    "dropbox_token": ["sl.{B135}", "sl.u.{B200}"],
    "elevenlabs_key": ["sk_{h48}"],
    "facebook_token": ["EAAC7{A100}", "IGQV2{A120}"],
    "firecrawl_key": ["fc-{h32}"],
    "fireworks_key": ["fw_3{A23}"],
    "fly_token": ["fm2_{A200}", "fo1_{A43}"],
    "hubspot_token": ["pat-na1-{h8}-{h4}-{h4}-{h4}-{h12}"],
    "jina_key": ["jina_5{A59}"],
    "mapbox_token": ["sk.eyJ{A60}.{A22}"],
    "netlify_token": ["nfp_{A36}"],
    "nuget_key": ["oy2bcdef4ghijk567lmnop{h12}0123456789ab"],
    "pinecone_key": ["pcsk_{A6}_{A63}"],
    "plaid_token": ["access-production-{h8}-{h4}-{h4}-{h4}-{h12}"],
    "posthog_key": ["phx_{A43}"],
    "prefect_key": ["pnu_{A36}"],
    "pulumi_token": ["pul-{h40}"],
    "rubygems_key": ["rubygems_{h48}"],
    "shippo_token": ["shippo_live_{h40}"],
    "sonar_token": ["squ_{h40}", "sqp_{h40}"],
    "sourcegraph_token": ["sgp_{h40}", "sgp_{h16}_{h40}"],
    "tailscale_key": ["tskey-auth-{A12}-{A32}"],
    "tencent_key": ["AKID8{A31}"],
    "together_key": ["tgp_v1_{A43}"],
    "twitter_token": ["AAAAAAAAAAAAAAAAAAAAA9{A30}%2F{A40}"],
    "typeform_token": ["tfp_{A44}"],
    "voyage_key": ["pa-8{A42}"],
    "webhook": [
        "hooks.zapier.com/hooks/catch/{d7}/{A7}",
        "hook.eu1.make.com/{A32}",
        "webhook.office.com/webhookb2/{h8}-{h4}-{h4}-{h4}-{h12}@{h8}-{h4}-{h4}-{h4}-{h12}/IncomingWebhook/{h32}/{h8}-{h4}-{h4}-{h4}-{h12}",
    ],
    "yandex_key": ["AQVN{A35}"],
    "age_key": ["AGE-SECRET-KEY-1{U58}"],
}


def token(shape: str, chance: random.Random) -> str:
    """Return a token of a shape; its random parts begin and end with a letter or digit."""

    def part(match: re.Match[str]) -> str:
        letters, count = ALPHABETS[match[1]], int(match[2])
        inner = "".join(chance.choices(letters, k=count))
        ends = letters.rstrip("-_")
        return "".join((chance.choice(ends), inner[2:], chance.choice(ends)))[:count]

    return re.sub(r"\{([ABUdh])(\d+)\}", part, shape)
