"""Texts with personal data and secrets at known places, and with what only looks like it; made anew from a seed.

Nothing here is anybody's: every value is made up, and passes the checks that its issuer has published.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from handrail_patterns._national import NATIONAL_IDS
from handrail_patterns._personal import _IBAN_LENGTHS, PAYMENT_CARD

Make = Callable[[random.Random], str]


@dataclass(frozen=True, slots=True)
class Gold:
    """A value and where it stands."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Document:
    """A text and what is in it."""

    text: str
    gold: tuple[Gold, ...]


def documents(count: int, seed: int = 7, kinds: Sequence[str] | None = None) -> Iterator[Document]:
    """Make texts of some paragraphs: prose, values in sentences, and look-alikes."""
    chance = random.Random(seed)
    names = list(kinds or VALUES)
    for _ in range(count):
        yield _document(chance, names)


def prose(count: int, seed: int = 7) -> Iterator[str]:
    """Make texts of ordinary prose with nothing to find."""
    chance = random.Random(seed)
    for _ in range(count):
        yield " ".join(chance.choice(PROSE) for _ in range(chance.randint(4, 12)))


def value(kind: str, chance: random.Random) -> str:
    """Make one value of a kind."""
    return (VALUES | LONG_VALUES)[kind](chance)


def in_place(kind: str, chance: random.Random) -> tuple[str, str, str]:
    """Make one value of a kind, with what belongs before and after it: the name of its field, the rest of its URL."""
    made = value(kind, chance)
    name = kind.removeprefix("long_")
    if name in WORDS:
        return f"{chance.choice(WORDS[name])}{chance.choice((' ', ': ', ' is '))}", made, ""
    if name in PLACES:
        before, after = chance.choice(PLACES[name])
        return before, made, after
    return "", made, ""


def tokens(text: str, chance: random.Random) -> list[str]:
    """Cut a text as a model's tokenizer does, roughly: words with their space, long ones in pieces."""
    pieces, place = [], 0
    while place < len(text):
        end = place + 1
        limit = chance.choice((3, 4, 5, 7))
        while end < len(text) and end - place < limit and text[end] not in " \n" and text[end].isalnum():
            end += 1
        pieces.append(text[place:end])
        place = end
    return pieces


def _document(chance: random.Random, names: Sequence[str]) -> Document:
    text, gold = "", []
    for _ in range(chance.randint(3, 8)):
        draw = chance.random()
        if draw < 0.45:
            text += chance.choice(PROSE)
        elif draw < 0.6:
            text += chance.choice(AROUND).format(chance.choice(LOOK_ALIKES)(chance))
        else:
            kind = chance.choice(names)
            before, after = chance.choice(AROUND).split("{}")
            name, made, rest = in_place(kind, chance)
            start = len(text) + len(before) + len(name)
            gold.append(Gold(start, start + len(made), kind))
            text += before + name + made + rest + after
        text += chance.choice((" ", " ", "\n", "\n\n"))
    return Document(text, tuple(gold))


def _from(alphabet: str, count: int) -> Make:
    return lambda chance: "".join(chance.choices(alphabet, k=count))


def _number(chance: random.Random, count: int) -> str:
    return "".join(chance.choices(string.digits, k=count))


def _email(chance: random.Random) -> str:
    first, last = chance.choice(NAMES), chance.choice(NAMES)
    local = chance.choice((f"{first}.{last}", f"{first}_{last}{chance.randint(1, 99)}", f"{first}+list", first))
    host = ".".join(chance.sample(HOSTS, chance.randint(1, 3)))
    return f"{local}@{host}.{chance.choice(('com', 'org', 'de', 'co.uk', 'io', 'museum'))}"


def _card(chance: random.Random) -> str:
    prefix, length, groups = chance.choice(
        (("4", 16, (4, 4, 4, 4)), ("52", 16, (4, 4, 4, 4)), ("6011", 16, (4, 4, 4, 4)), ("37", 15, (4, 6, 5)))
    )
    while True:
        number = prefix + _number(chance, length - len(prefix))
        if PAYMENT_CARD.ways[0].check(number):
            return _grouped(number, groups, chance.choice(("", " ", "-")))


def _grouped(number: str, groups: Sequence[int], gap: str) -> str:
    parts, place = [], 0
    for size in groups:
        parts.append(number[place : place + size])
        place += size
    return gap.join(parts)


def _iban(chance: random.Random) -> str:
    length, codes = chance.choice(list(_IBAN_LENGTHS.items()))
    country = chance.choice(codes.split())
    body = _number(chance, length - 4)
    number = int(body + "".join(str(int(char, 36)) for char in country) + "00")
    plain = f"{country}{98 - number % 97:02d}{body}"
    return plain if chance.random() < 0.5 else " ".join(plain[i : i + 4] for i in range(0, length, 4))


def _phone(chance: random.Random) -> str:
    area, exchange, line = chance.randint(201, 989), chance.randint(201, 989), _number(chance, 4)
    return chance.choice(
        (
            f"({area}) {exchange}-{line}",
            f"{area}-{exchange}-{line}",
            f"+1 {area} {exchange} {line}",
            f"+49 {chance.randint(30, 99)} {_number(chance, 7)}",
            f"+44 20 {_number(chance, 4)} {_number(chance, 4)}",
            f"01 {_number(chance, 2)} {_number(chance, 2)} {_number(chance, 2)} {_number(chance, 2)}",
        )
    )


def _ip(chance: random.Random) -> str:
    if chance.random() < 0.6:
        first = chance.choice([*range(1, 127), *range(128, 224)])
        return f"{first}.{chance.randint(0, 255)}.{chance.randint(0, 255)}.{chance.randint(1, 254)}"
    groups = [f"{chance.randint(0, 65535):x}" for _ in range(8)]
    return ":".join(groups) if chance.random() < 0.5 else f"fd{chance.randint(16, 255):x}::{groups[1]}:1{groups[2][:3]}"


def _mac(chance: random.Random) -> str:
    return chance.choice(":-").join(f"{chance.randint(0, 255):02x}" for _ in range(6))


def _url(chance: random.Random) -> str:
    return f"{chance.choice(NAMES)}:{_from(string.ascii_letters + '!$_', 10)(chance)}"


def _national(name: str, templates: Sequence[str]) -> Make:
    """Try random numbers in the form of a template until one passes: `0` is any digit, `@` any letter."""
    (kind,) = (kind for kind in NATIONAL_IDS if kind.name == name)
    checks = [way.check for way in kind.ways if way.check is not None]

    def make(chance: random.Random) -> str:
        template = chance.choice(templates)
        while True:
            made = "".join(
                chance.choice(string.digits) if c == "0" else chance.choice(string.ascii_uppercase) if c == "@" else c
                for c in template
            )
            made = made.replace("#", f"{chance.randint(1, 12):02d}").replace("$", f"{chance.randint(1, 28):02d}")
            if any(check(made) for check in checks):
                return made

    return make


def _private_key(chance: random.Random) -> str:
    name = chance.choice(("RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY"))
    base64 = string.ascii_letters + string.digits + "+/"
    lines = [_from(base64, 64)(chance) for _ in range(chance.randint(3, 12))]
    return "\n".join((f"-----BEGIN {name}-----", *lines, _from(base64, 21)(chance) + "==", f"-----END {name}-----"))


def _jwt(chance: random.Random) -> str:
    base64 = string.ascii_letters + string.digits + "-_"
    parts = [_from(base64, size)(chance) for size in (33, chance.randint(40, 300), 43)]
    return f"eyJ{parts[0]}.eyJ{parts[1]}.{parts[2]}"


_ALNUM = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


def _prefixed(prefix: str, alphabet: str, count: int) -> Make:
    return lambda chance: prefix + "".join(chance.choices(alphabet, k=count))


VALUES: dict[str, Make] = {
    "email": _email,
    "payment_card": _card,
    "iban": _iban,
    "phone": _phone,
    "ip_address": _ip,
    "mac_address": _mac,
    "url_credentials": _url,
    "us_ssn": _national("us_ssn", ("100-10-1000", "200-20-2000", "300-00-0000", "400-10-0000")),
    "uk_nhs": _national("uk_nhs", ("400 000 0000", "900 000 0000")),
    "uk_nino": _national("uk_nino", ("AB000000C", "CE 00 00 00 A", "JG000000D")),
    "de_tax_id": _national("de_tax_id", ("60000000000", "80 000 000 000")),
    "fr_nir": _national("fr_nir", ("1 00 05 00 000 000 00", "200110000000000", "100122A00000000")),
    "es_nif": _national("es_nif", ("00000000@", "X0000000@")),
    "it_fiscal_code": _national("it_fiscal_code", ("@@@@@@00H00@000@",)),
    "nl_bsn": _national("nl_bsn", ("0000.00.000",)),
    "be_national": _national("be_national", ("80.#.$-000.00", "99.#.$-000 00")),
    "pl_pesel": _national("pl_pesel", ("80#$00000",)),
    "fi_hetu": _national("fi_hetu", ("$#80-000@", "$#95A000@")),
    "se_personnummer": _national("se_personnummer", ("80#$-0000", "1995#$-0000")),
    "ch_ahv": _national("ch_ahv", ("756.0000.0000.00", "7560000000000")),
    "br_cpf": _national("br_cpf", ("000.000.000-00", "30000000000")),
    "in_aadhaar": _national("in_aadhaar", ("2000 0000 0000", "700000000000")),
    "cn_resident_id": _national("cn_resident_id", ("1101051985#$0000", "31010119990101000X")),
    "kr_rrn": _national("kr_rrn", ("80#$-1000000", "99#$-2000000")),
    "sg_nric": _national("sg_nric", ("S0000000@", "T0000000@")),
    "au_tfn": _national("au_tfn", ("100 000 000", "800-000-000")),
    "ca_sin": _national("ca_sin", ("100 000 000", "700-000-000")),
    "tr_identity": _national("tr_identity", ("10000000000",)),
    "za_id": _national("za_id", ("80#$0000180", "95#$ 0000 180")),
    "private_key": _private_key,
    "jwt": _jwt,
    "connection_string": lambda chance: f"{chance.choice(NAMES)}:{_from(_ALNUM, 12)(chance)}",
    "password": lambda chance: (
        f"{_from(string.ascii_letters, 5)(chance)}{_number(chance, 2)}{_from('!#%', 1)(chance)}x"
    ),
    "assigned_secret": _from(_ALNUM, 32),
    "authorization": lambda chance: f"{_from(_ALNUM + '-_', 30)(chance)}7a",
    "aws_secret_key": _from(_ALNUM + "+/", 40),
    "aws_access_key": _prefixed("AKIA", string.ascii_uppercase + "234567", 16),
    "github_token": _prefixed("ghp_", _ALNUM, 36),
    "gitlab_token": _prefixed("glpat-", _ALNUM, 20),
    "slack_token": _prefixed("xoxb-1234567890-", _ALNUM, 24),
    "google_api_key": _prefixed("AIza", _ALNUM + "_", 35),
    "openai_key": _prefixed("sk-proj-", _ALNUM, 48),
    "anthropic_key": _prefixed("sk-ant-api03-", _ALNUM, 80),
    "huggingface_token": _prefixed("hf_", _ALNUM, 34),
    "stripe_key": _prefixed("sk_live_", _ALNUM, 24),
    "sendgrid_key": lambda chance: f"SG.{_from(_ALNUM, 22)(chance)}.{_from(_ALNUM, 43)(chance)}",
    "npm_token": _prefixed("npm_", _ALNUM, 36),
    "twilio_key": _prefixed("SK", _HEX, 32),
}

LONG_VALUES: dict[str, Make] = {
    "long_email": lambda chance: f"a{_from(_ALNUM + '._', chance.randint(60, 200))(chance)}x{_email(chance)}",
    "long_url_credentials": lambda chance: _url(chance) + _from(_ALNUM, chance.randint(100, 200))(chance),
}

WORDS: dict[str, Sequence[str]] = {
    "uk_nhs": ("NHS number", "His NHS no."),
    "de_tax_id": ("Steuer-ID", "Die Identifikationsnummer"),
    "pl_pesel": ("PESEL", "Jego numer PESEL"),
    "in_aadhaar": ("Aadhaar", "My Aadhaar number"),
    "au_tfn": ("TFN", "The tax file number"),
    "ca_sin": ("SIN", "Her social insurance number"),
    "tr_identity": ("TC kimlik no", "TCKN"),
    "za_id": ("SA ID", "His ID number"),
    "fr_nir": ("NIR", "Le num\u00e9ro de s\u00e9curit\u00e9 sociale"),
    "ch_ahv": ("AHV-Nr.", "AVS"),
    "br_cpf": ("CPF", "O CPF"),
    "phone": ("tel.", "Phone", "call"),
}
PLACES: dict[str, Sequence[tuple[str, str]]] = {
    "url_credentials": (("https://", "@harbour.com"), ("ftp://", "@files:21/x")),
    "connection_string": (("postgresql://", "@db.acme.com:5432"), ("redis://", "@cache:6379/0")),
    "password": (('password = "', '"'), ("DB_PASSWORD=", ""), ("password: ", "\n"), ('"passwd": "', '"')),
    "assigned_secret": (('api_key = "', '"'), ("CLIENT_SECRET=", ""), ('{"accessToken":"', '"}')),
    "authorization": (("Authorization: Bearer ", "\n"), ('"Authorization": "token ', '"')),
    "aws_secret_key": (("aws_secret_access_key = ", "\n"), ('"SecretAccessKey": "', '"')),
}

LOOK_ALIKES: Sequence[Make] = (
    lambda chance: f"order {_number(chance, 6)}-{_number(chance, 3)}",
    lambda chance: f"{chance.randint(1, 12)}:{_number(chance, 1)}{chance.randint(0, 9)}:{chance.randint(10, 59)}",
    lambda chance: f"{chance.randint(10, 28)}.{chance.randint(10, 12)}.{chance.randint(1950, 2030)}",
    lambda chance: f"version {chance.randint(1, 30)}.{chance.randint(0, 20)}.{chance.randint(0, 9)}",
    lambda chance: f"{chance.randint(1, 9)}.{_number(chance, 14)}",
    lambda chance: f"ISBN 978-{_number(chance, 1)}-{_number(chance, 4)}-{_number(chance, 4)}-{_number(chance, 1)}",
    lambda chance: (
        f"{_from(_HEX, 8)(chance)}-{_from(_HEX, 4)(chance)}-4{_from(_HEX, 3)(chance)}-a{_from(_HEX, 3)(chance)}"
    ),
    lambda chance: f"@{chance.choice(NAMES)} and {chance.choice(NAMES)}@home",
    lambda chance: f"https://{chance.choice(HOSTS)}.com/{chance.choice(NAMES)}?page={chance.randint(1, 99)}",
    lambda chance: f"commit {_from(_HEX, 40)(chance)}",
    lambda chance: f"std::{chance.choice(NAMES)}::value",
    lambda chance: f"${chance.randint(1, 900)},{_number(chance, 3)}.{_number(chance, 2)}",
    lambda chance: "-----BEGIN CERTIFICATE-----",
    lambda chance: f"sk-{chance.choice(NAMES)}",
    lambda chance: f"4{_number(chance, 11)}",
)

NAMES = ("mara", "oskar", "ines", "tomas", "yuki", "priya", "leon", "aisha", "bruno", "edith", "farid", "greta")
HOSTS = ("harbour", "northwind", "lighthouse", "acme", "orchard", "mailbox", "fjord", "cloud9", "big-river")

AROUND = (
    "You can reach us at {} on weekdays.",
    "It is {}, as far as I know.",
    "The record says {} and nothing else.",
    "Use {}.",
    "({})",
    "value: {}",
    "In short: {}, which was changed last year.",
    'He wrote "{}" on the form.',
)

PROSE = (
    "The history of the lighthouse begins, as so many things do, with a shipwreck.",
    "In 1823 a brig broke up on the reef in a winter storm, and of her forty-one souls only nine reached the shore.",
    "The harbour board had refused money for a light for thirty years; it found some within a month.",
    "Work began in the spring, under a quiet man who had built bridges inland and knew nothing of the sea.",
    "He learned it as one learns a language: by making mistakes in it, and by being laughed at.",
    "The first course of granite was carried off by a tide that no almanac had promised.",
    "A sorted list can be searched in a number of steps that grows with the logarithm of its length.",
    "That sounds abstract, but it means that a million entries need about twenty comparisons.",
    "Bread rises because yeast turns sugar into gas, and gluten keeps the gas from getting away.",
    "If the kitchen is cold, give the dough twice the time; it will be the better for it.",
    "Photosynthesis takes place in two stages, of which only the first needs light.",
    "The committee met on 14 March and agreed, 7 to 2, that the question should be put off until autumn.",
    "Prices rose by 3.2% in the first quarter, after 2.9% in the quarter before.",
    "She asked whether the well-known state-of-the-art method would do; he said that it would not.",
    "Don't worry if the first attempt fails: most of them do, and that's how it is meant to be.",
    "For example, `for item in items: print(item)` prints every item on a line of its own.",
    "There are three reasons for this. First, it is cheap. Second, it is quick. Third, nobody has objected.",
    "Le chat est assis près de la fenêtre, et il regarde tomber la pluie sans bouger.",
    "Die Brücke wurde 1897 eröffnet und trägt seither jeden Tag mehr, als man ihr zugetraut hatte.",
    "El río baja crecido desde las montañas cuando llega la primavera.",
    "東京の朝は早く、駅前の店はもう開いている。",
    "See chapter 4, section 2.1, for the details; the appendix has the full table.",
    "Note that TCP and UDP behave differently here, and that HTTP/2 changes the picture again.",
    "All of this was, in the end, a matter of patience rather than of skill.",
)
