"""Tokens of further services, by the prefixes that their issuers have given them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from handrail_patterns._assigned import is_mixed
from handrail_patterns._edges import JOINED, LEFT
from handrail_patterns._kind import Kind, Way

END = "(?![0-9A-Za-z])"
B64 = "[A-Za-z0-9_-]"
_JOINED = re.compile(JOINED)
_REST = rf"{B64}{{4,200}}+(?![ \t]{{0,8}}[=:.(\[{{])"
"""The second part of a token; a name that is given a value is none."""
_LEAST_REST = 12
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def token(
    name: str,
    summary: str,
    *patterns: str,
    check: Callable[[str], bool] | None = None,
    two_lines: tuple[str, ...] = (),
) -> Kind:
    """Make a kind whose tokens stand apart from letters and digits before them.

    Args:
        name: of the kind.
        summary: what it is, for the documentation.
        patterns: how a token is written.
        check: looks at a token more closely.
        two_lines: how tokens begin that are found in two parts, too: over two lines, or as strings that are joined.
    """
    form = ", ".join(f"`{pattern.removesuffix(END)}`" for pattern in patterns)
    ways = [Way(LEFT + pattern, check=check) for pattern in patterns]
    is_token = re.compile("|".join(patterns)).fullmatch
    is_broken = partial(_is_broken, is_token=lambda text: bool(is_token(text)) and (check is None or check(text)))
    ways += [Way(f"{LEFT}{start}{B64}{{4,200}}{JOINED}{_REST}", check=is_broken) for start in two_lines]
    return Kind(name, name.upper(), tuple(ways), summary, form, "digits and letters" if check else "")


def _is_broken(text: str, is_token: Callable[[str], bool]) -> bool:
    """Check that two parts are one token, of which the second does not look like a word or another token."""
    first, second = _JOINED.split(text, maxsplit=1)
    if is_token(second) or not is_token(first + second):
        return False
    if not is_token(first):
        return any(map(str.isdigit, second)) or not (second.islower() or second.istitle())
    return len(second) >= _LEAST_REST and is_mixed(second) and not (second.isupper() or second.islower())


SERVICES: tuple[Kind, ...] = (
    token("airtable_token", "Airtable token", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    token("alibaba_key", "Alibaba Cloud access key id", rf"LTAI[A-Za-z0-9]{{12,26}}{END}", check=is_mixed),
    token("asana_token", "Asana token", rf"[12]/\d{{10,17}}(?:/\d{{10,17}})?:[0-9a-f]{{32}}{END}"),
    token("bedrock_key", "Amazon Bedrock API key", r"ABSK[A-Za-z0-9+/]{80,200}={0,2}"),
    token("buildkite_token", "Buildkite token", rf"bkua_[0-9a-f]{{40}}{END}"),
    token("cerebras_key", "Cerebras API key", rf"csk-[A-Za-z0-9]{{40,64}}{END}", check=is_mixed),
    token("circleci_token", "CircleCI token", rf"CCI(?:PAT|PRJ)_[A-Za-z0-9]{{22}}_[0-9a-f]{{40}}{END}"),
    token("cloudflare_key", "Cloudflare origin CA key", r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}"),
    token("doppler_token", "Doppler token", rf"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9]{{40,44}}{END}"),
    token("dropbox_token", "Dropbox access token", rf"sl\.(?:u\.)?{B64}{{130,1500}}"),
    token("elevenlabs_key", "ElevenLabs API key", rf"sk_[0-9a-f]{{48}}{END}"),
    token(
        "facebook_token", "Facebook or Instagram access token", r"(?:EAA[A-Z]|IGQV)[A-Za-z0-9]{80,400}", check=is_mixed
    ),
    token("firecrawl_key", "Firecrawl API key", rf"fc-[0-9a-f]{{32}}{END}"),
    token("fireworks_key", "Fireworks AI API key", rf"fw_[A-Za-z0-9]{{22,32}}{END}", check=is_mixed),
    token("fly_token", "Fly.io token", r"fm[12]r?_[A-Za-z0-9+/=_-]{80,2048}", rf"fo1_{B64}{{43}}"),
    token("hubspot_token", "HubSpot private app token", rf"pat-(?:na|eu|ap)\d-{_UUID}"),
    token("jina_key", "Jina AI API key", rf"jina_{B64}{{50,80}}", check=is_mixed),
    token("mapbox_token", "Mapbox secret token", rf"[st]k\.eyJ{B64}{{20,512}}\.{B64}{{20,64}}"),
    token("netlify_token", "Netlify token", rf"nf[bcopu]_[A-Za-z0-9_]{{36}}{END}"),
    token("nuget_key", "NuGet API key", rf"oy2[a-p0-9]{{43}}{END}", check=is_mixed),
    token("pinecone_key", "Pinecone API key", r"pcsk_[A-Za-z0-9]{5,8}_[A-Za-z0-9]{60,70}"),
    token("plaid_token", "Plaid access token", rf"access-(?:sandbox|development|production)-{_UUID}"),
    token("posthog_key", "PostHog personal API key", rf"phx_[A-Za-z0-9]{{40,60}}{END}"),
    token("prefect_key", "Prefect API key", rf"pn[bu]_[A-Za-z0-9]{{36}}{END}"),
    token("pulumi_token", "Pulumi token", rf"pul-[0-9a-f]{{40}}{END}"),
    token("crates_token", "crates.io token", rf"cio[A-Za-z0-9]{{32}}{END}", check=is_mixed),
    token("rubygems_key", "RubyGems API key", rf"rubygems_[0-9a-f]{{48}}{END}"),
    token("shippo_token", "Shippo token", rf"shippo_(?:live|test)_[0-9a-f]{{40}}{END}"),
    token("sonar_token", "SonarQube token", rf"sq[apu]_[0-9a-f]{{40}}{END}"),
    token("sourcegraph_token", "Sourcegraph token", rf"sgp_(?:[0-9a-f]{{16}}_)?[0-9a-f]{{40}}{END}"),
    token("tailscale_key", "Tailscale key", r"tskey-[a-z]{2,12}-[A-Za-z0-9]{8,24}-[A-Za-z0-9]{20,64}"),
    token("tencent_key", "Tencent Cloud secret id", rf"AKID[A-Za-z0-9]{{32}}{END}", check=is_mixed),
    token("together_key", "Together AI API key", rf"tgp_v1_{B64}{{40,60}}"),
    token("twitter_token", "X (Twitter) bearer token", r"A{20,22}[A-Za-z0-9%]{60,120}", check=is_mixed),
    token("typeform_token", "Typeform token", rf"tfp_{B64}{{40,64}}"),
    token("voyage_key", "Voyage AI API key", rf"pa-{B64}{{43}}(?![\w-])", check=is_mixed),
    token(
        "webhook",
        "webhook of Teams, Zapier or Make",
        r"webhook\.office\.com/webhookb2/[0-9a-f@-]{36,80}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f-]{9,36}",
        r"hooks\.zapier\.com/hooks/catch/\d{4,12}/[A-Za-z0-9]{5,12}",
        r"hook\.(?:eu|us)\d\.make\.com/[A-Za-z0-9]{20,40}",
    ),
    token("yandex_key", "Yandex Cloud API key", rf"AQVN{B64}{{35,38}}(?![\w-])"),
)
