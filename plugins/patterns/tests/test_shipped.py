"""Every shipped pattern: found when valid, passed over when not, and the same for every cut."""

from __future__ import annotations

import random

import pytest
from handrail_patterns import _checksums as checksums
from handrail_patterns._fold import Folding
from handrail_patterns._kind import Kind
from handrail_patterns._national import NATIONAL_IDS
from handrail_patterns._personal import PERSONAL_DATA
from handrail_patterns._secrets import SECRETS
from handrail_patterns._session import PatternSession
from hypothesis import given, settings
from hypothesis import strategies as st
from patterns_corpus import AROUND, LOOK_ALIKES, PROSE, VALUES, documents, in_place, prose, tokens, value
from patterns_definition import delivered, expected, random_split, shipped
from patterns_tokens import SHAPES, token

FOLDING = Folding(("unicode", "invisible", "marks", "markup"))
KINDS = {kind.name: kind for kind in (*PERSONAL_DATA, *SECRETS)}
ALL_PATTERNS, ALL_PLAIN = shipped(list(KINDS.values()))

EXAMPLES = {
    "email": [
        "jane.doe+tag@mail.example.co.uk",
        "josé@example.org",
        f"{'x' * 200}@example.com",
        "a@b.museum",
        r"DOMAIN\<<alice@example.com>>",
        r"C:\n<<ina@example.com>>",
        "mara&#64;example.com",
        "mara&commat;example.com",
    ],
    "phone": [
        "+49 (0)30 1234-5678",
        "(415) 555-2671",
        "+14155552671",
        "030-1234567",
        "0049 30 1234567",
        "tel <<030 123456789>>",
        "<<415.555.2671>>",
        "<<(11) 96123-4567>>",
        "<<0 (532) 123 45 67>>",
        "<<8 (912) 345-67-89>>",
        "<<03-1234-5678>>",
        "phone <<13812345678>>",
        "+353 1 234 5678",
        "+63 917 123 4567",
        "+971 4 123 4567",
        "+1%20415%20555%202671",
        "call <<1300 123 456>>",
        "dial <<011 44 20 7946 0958>>",
        "<<415\u2011555\u20110132>>",
        "fax: <<01 23 45 67 89>>",
    ],
    "payment_card": [
        "4111 1111 1111 1111",
        "4111111111111111",
        "3782-822463-10005",
        "5555555555554444",
        "4111 - 1111 - 1111 - 1111",
        "4111_1111_1111_1111",
        "no.<<4111111111111111>>",
        "4111&nbsp;1111&nbsp;1111&nbsp;1111",
        "4111%201111%201111%201111",
        "card <<411111\t1111111111>>",
        "<<4111111111111111>>.0",
    ],
    "iban": [
        "DE89 3704 0044 0532 0130 00",
        "GB29NWBK60161331926819",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "DE89.3704.0044.0532.0130.00",
        "DE89&#160;3704&#160;0044&#160;0532&#160;0130&#160;00",
    ],
    "ip_address": [
        "192.168.1.17",
        "fe80::1ff:fe23:4567:890a",
        "::ffff:10.0.0.1",
        "2001:db8::8a2e:370:7334",
        "A099::09C0:876A:130B",
    ],
    "mac_address": ["00:1A:2b:3c:4d:5e", "00-1a-2b-3c-4d-5e", "001a.2b3c.4d5e", "MAC <<001a2b3c4d5e>>"],
    "url_credentials": [
        "https://<<user:pa55w0rd>>@example.com",
        "ftp://<<a:b>>@10.0.0.1:21",
        r"https:\/\/<<u:pw1>>@h.example\/x",
    ],
    "us_ssn": [
        "123-45-6789",
        "123\u201145\u20116789",
        "123\u221245\u22126789",
        "employee_<<123-45-6788>>",
        "SSN <<123.45.6788>>",
        "ssn: <<123456788>>",
        "ssn: <<123456788>>.0",
        "ITIN <<912-70-1234>>",
    ],
    "uk_nhs": ["NHS no. <<943 476 5919>>", "NHS number <<9434765919>>"],
    "uk_nino": ["AB123456C", "AB 12 34 56 C", "NINO <<ab123456c>>"],
    "de_tax_id": ["Steuer-ID: <<86095742719>>"],
    "fr_nir": ["2 55 08 14 168 025 38", "NIR <<255081416802538>>"],
    "es_nif": ["12345678Z", "X1234567L"],
    "it_fiscal_code": ["RSSMRA85T10A562S", "BNCMRA80A41F20RC"],
    "nl_bsn": ["1112.22.333", "BSN <<111222333>>"],
    "be_national": ["85.07.30-033 28"],
    "pl_pesel": ["PESEL <<44051401359>>"],
    "fi_hetu": ["131052-308T"],
    "se_personnummer": ["811218-9876", "19811218-9876", "personnummer <<198112189876>>"],
    "ch_ahv": ["756.9217.0769.85"],
    "br_cpf": ["529.982.247-25"],
    "in_aadhaar": ["Aadhaar <<2341 2341 2346>>"],
    "cn_resident_id": ["11010519491231002X"],
    "kr_rrn": ["880101-1234567"],
    "sg_nric": ["S1234567D"],
    "au_tfn": ["TFN <<123 456 782>>"],
    "ca_sin": ["SIN <<130 692 544>>"],
    "tr_identity": ["TC kimlik no: <<10000000146>>"],
    "za_id": ["SA ID <<8001015009087>>"],
    "jwt": [
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0.",
        "eyJhbGciOiJSU0EtT0FFUCJ9.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZ.48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XFBoMYUZodetZdvT",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ],
    "aws_access_key": ["AKIAIOSFODNN7EXAMPLE"],
    "aws_secret_key": [
        "aws_secret_access_key = <<wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY>>",
        '{"SecretAccessKey": "<<wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY>>"}',
    ],
    "connection_string": [
        "Server=db;Database=x;User Id=sa;Password=<<Secret_1>>;x",
        "mongodb+srv://<<u:p>>@c.example.net",
    ],
    "assigned_secret": [
        "api_key: <<0123456789abcdefABCD>>",
        '{"apiKey":"<<AbCdEf0123456789xyz>>"}',
        "apiKey\n<<AbCdEf0123456789xyz>>\nn",
        "name\nAPI_KEY\nvalue\n<<AbCdEf0123456789xyz>>\nn",
        "MY_CLIENT_SECRET=<<0123456789abcdefABCD>>",
        "Your API key is <<Ab3dEf7hIj1kLm5nOp>>.",
        "**API Key:** `<<Ab3dEf7hIj1kLm5nOp>>`",
        "API-Schlüssel: <<Ab3dEf7hIj1kLm5nOp>>",
        "密钥：<<Ab3dEf7hIj1kLm5nOp>>",
    ],
    "password": [
        'password = "<<S3cr3tPassw0rd!>>"',
        "DB_PASSWORD=<<S3cr3tPassw0rd>> ",
        '"passwd": "<<swordfish#1>>"',
        "passwd\n<<swordfish#1>>\nn",
        "password: str = '<<Tr0ub4dor>>'",
        "<password><<Tr0ub4dor&3>></password>".replace("&", "-"),
        "--password <<Tr0ub4dor>> ",
        "**Password:** <<Tr0ub4dor>>",
        "**Password**: `<<Tr0ub4dor>>`",
        "<b>Password:</b> <<Tr0ub4dor>>",
        "| Password | <<Tr0ub4dor>> |",
        "Your password is <<Tr0ub4dor>>.",
        "the password is '<<tr0ub4dor>>'",
        "Das Passwort lautet <<Tr0ub4dor>>.",
        "Kennwort: <<tr0ub4dor9x>>",
        "mot de passe : <<tr0ub4dor9x>>",
        "пароль: <<tr0ub4dor9x>>",
        "密码：<<tr0ub4dor9x>>。",
        "パスワードは<<Tr0ub4dor>>です",
        "비밀번호: <<tr0ub4dor9x>>",
        "- name: DB_PASSWORD\n    value: <<tr0ub4dor9x>>\n",
        '<add key="Password" value="<<tr0ub4dor9x>>"/>',
        'setPassword("<<tr0ub4dor9x>>")',
    ],
    "authorization": [
        "Authorization: Bearer <<cfcabd11c7ed9a41b1a3e063c32d5115>> ",
        "Authorization\nBearer <<cfcabd11c7ed9a41b1a3e063c32d5115>>\n",
        "key\nAuthorization\nvalue\nBasic <<dXNlcjpwYXNzd29yZDEyMw==>>\n",
        'Authorization", "value": "Basic <<dXNlcjpwYXNzd29yZDEyMw==>>"',
        "curl -u <<admin:s3cret>> http://x",
        '{"auth": "<<dXNlcjpwYXNzd29yZDEyMw==>>"}',
        "sshpass -p <<s3cret_x>> ssh host",
    ],
}
WRONG = {
    "payment_card": ["4111 1111 1111 1112", "4111111111111111.05", "4111111111111111.5", "0000 0000 0000 0000"],
    "iban": ["DE88 3704 0044 0532 0130 00", "at 119195198507029593"],
    "us_ssn": ["000-45-6789", "666-45-6789", "123-00-6789"],
    "uk_nhs": ["NHS 943 476 5918", "943 476 5919"],
    "uk_nino": ["BG123456C", "pay at 100000 a year"],
    "de_tax_id": ["Steuer-ID 86095742718", "86095742719"],
    "fr_nir": ["2 55 08 14 168 025 39"],
    "es_nif": ["12345678A"],
    "it_fiscal_code": ["RSSMRA85T10A562T"],
    "nl_bsn": ["1112.22.334"],
    "be_national": ["85.07.30-033 29"],
    "pl_pesel": ["44051401358", "44151401359"],
    "fi_hetu": ["131052-308U", "131352-308T"],
    "se_personnummer": ["811218-9875"],
    "ch_ahv": ["756.9217.0769.84"],
    "br_cpf": ["529.982.247-24", "111.111.111-11"],
    "in_aadhaar": ["2341 2341 2347"],
    "cn_resident_id": ["110105194912310021"],
    "kr_rrn": ["881301-1234567"],
    "sg_nric": ["S1234567A"],
    "au_tfn": ["123 456 783"],
    "ca_sin": ["130 692 545"],
    "tr_identity": ["10000000147"],
    "za_id": ["8001015009088"],
    "ip_address": [
        "256.1.1.1",
        "std::vector",
        "12:30:45",
        "1.2.3.4.5",
        "127.0.0.1",
        "version 1.2.3.4",
        "pkg>=1.2.0.4",
        "s[::2]",
        "q[0::2]",
        "a1::b2()",
        "2001::25de::cade",
        "10.0.0.0/8",
        "Figure 3.2.1.4",
        "2001:db8::/32",
        "Chrome/120.0.6.109",
    ],
    "mac_address": ["10:2F:33-AC-29-C3", "01-02-03-04-05-06", "a94a8fe5ccb1", "mac 123456789012"],
    "phone": [
        "06/25/2024 10:30",
        "011 44 20 7946 0958",
        "pages 415\u20135550",
        "05-21-2020 07:29:38",
        "02134-1001",
        "+100 000 000",
        "+15000000",
        "Order 00123456789",
        "0123456789",
    ],
    "email": ["someone@home", "@handle", "git@github.com:org/repo", "icon@2x.png"],
    "authorization": ["curl -u username:password http://x", '{"auth": "dGVzdHRlc3Q="}', "auth: basic"],
    "assigned_secret": [
        "Your API key is at https://platform.example.com/keys2",
        "The API key is stored in OPENAI_API_KEY_NUMBER_2",
        "api_key: aaaaaaaaaaaaaaaaaaaa",
        "token = secrets.token_hex(16)",
        "apiKey: YOUR_API_KEY_HERE_PLACEHOLDER",
    ],
    "password": [
        'password=os.getenv("DB_PASSWORD")',
        "pwd = os.getcwd()",
        "f(password=password2, x=1)",
        'login, password = key.split(":", 1)',
        "password: required",
        'password = "password"',
        "The password is SHA256-hashed",
        "password is base64-encoded",
        "password is valid until 2025-01-01",
        "| Password | required |",
        "**Password:** at least 8 characters",
        "name: password\nvalue: string",
        "密码：必填",
        'password = "${DB_PASSWORD}"',
        "def login(user, password=None)",
    ],
    "private_key": ["'-----BEGIN PRIVATE KEY-----' in text, see /etc/ssl/private/server.key"],
    "openai_key": ["sk-this-is-a-long-hyphenated-benign-phrase"],
    "slack_token": ["2018-250-xoxo-indieweb-1.jpg"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in EXAMPLES.items() for text in texts])
def test_a_published_example_is_found_whole(name: str, text: str) -> None:
    kind = KINDS[name]
    patterns, _ = shipped([kind])
    before, value, after = marked(text)
    found = delivered(patterns.open(), f"It is {before}{value}{after} and no more.", FOLDING).text
    assert found == f"It is {before}[{kind.label}]{after} and no more."


@pytest.mark.parametrize("dash", ["-", "\u2013", "\u2011"])
def test_both_ends_of_a_range_of_addresses_are_found(dash: str) -> None:
    patterns, _ = shipped([KINDS["ip_address"]])
    text = f"10.1.2.3{dash}10.1.2.9"
    assert delivered(patterns.open(), text, FOLDING).text == f"[IP]{dash}[IP]"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Write to jane.doe (at) host (dot) com now", "Write to [EMAIL] now"),
        ("Write to jane(at)host[dot]com now", "Write to [EMAIL] now"),
        ("Write to jane (at) host (dot) com now", "Write to jane [EMAIL] now"),
    ],
)
def test_an_address_that_is_hidden_from_machines_is_found(text: str, told: str) -> None:
    patterns, _ = shipped([KINDS["email"]])
    assert delivered(patterns.open(), text, FOLDING).text == told


def test_a_word_before_a_space_does_not_wait() -> None:
    """It waited for the `(at)` of an address that is hidden from machines."""
    session = PatternSession(ALL_PATTERNS.open(), FOLDING.open(), lambda *_: None, markup=True)
    assert session.feed("I cannot ").text == "I cannot "


def marked(text: str) -> tuple[str, str, str]:
    """Part an example at the value in it; without marks all of it is the value."""
    before, _, rest = text.partition("<<") if "<<" in text else ("", "", f"{text}>>")
    value, _, after = rest.partition(">>")
    return before, value, after


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts])
def test_what_only_looks_like_it_is_let_through(name: str, text: str) -> None:
    patterns, _ = shipped([KINDS[name]])
    assert delivered(patterns.open(), f"It is {text} and no more.", FOLDING).text == f"It is {text} and no more."


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_two_way_cut_delivers_what_the_rule_gives_on_the_whole_text(name: str, effort: int) -> None:
    kind = KINDS[name]
    patterns, plain = shipped([kind])
    chance = random.Random(name)
    for text in _texts(kind, chance, 2 * effort):
        want = expected(text, plain, FOLDING)
        for cut in range(len(text) + 1):
            assert delivered(patterns.open(), (text[:cut], text[cut:]), FOLDING, want.text) == want


@pytest.mark.parametrize("name", sorted(KINDS))
def test_one_character_at_a_time_and_random_cuts_deliver_the_same(name: str, effort: int) -> None:
    kind = KINDS[name]
    patterns, plain = shipped([kind])
    chance = random.Random(name)
    for text in _texts(kind, chance, 4 * effort):
        want = expected(text, plain, FOLDING)
        assert delivered(patterns.open(), text, FOLDING, want.text) == want
        for _ in range(10):
            assert delivered(patterns.open(), random_split(text, chance), FOLDING, want.text) == want


def test_all_shipped_patterns_together_deliver_the_same_for_every_cut(effort: int) -> None:
    chance = random.Random(1)
    for document in documents(25 * effort, seed=11):
        want = expected(document.text, ALL_PLAIN, FOLDING)
        for pieces in (
            document.text,
            [document.text],
            tokens(document.text, chance),
            random_split(document.text, chance),
        ):
            assert delivered(ALL_PATTERNS.open(), pieces, FOLDING, want.text) == want


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_text_of_telling_characters_delivers_the_same_for_any_cut(data: st.DataObject) -> None:
    alphabet = st.sampled_from("4111 -@.:/aeE+()sk_ghpAKIA-----BEGIN\n\u200b\uff14\u0301é\ud83d\x00")
    text = "".join(data.draw(st.lists(alphabet, max_size=60)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    want = expected(text, ALL_PLAIN, FOLDING)
    assert delivered(ALL_PATTERNS.open(), pieces, FOLDING, want.text) == want


def test_every_value_of_the_corpus_is_gone_in_full(effort: int) -> None:
    chance = random.Random(2)
    for document in documents(120 * effort, seed=5):
        text = delivered(ALL_PATTERNS.open(), tokens(document.text, chance), FOLDING).text
        for gold in document.gold:
            assert document.text[gold.start : gold.end] not in text, gold.kind


@pytest.mark.parametrize("name", ["payment_card", "email", "iban", "us_ssn", "aws_access_key"])
def test_invisible_and_compatible_characters_are_seen_through(name: str) -> None:
    chance = random.Random(4)
    patterns, _ = shipped([KINDS[name]])
    for _ in range(20):
        plain = value(name, chance)
        wide = "".join(chr(ord(char) + 0xFEE0) if char.isdigit() and chance.random() < 0.3 else char for char in plain)
        hidden = "\u200b".join(wide)
        text = delivered(patterns.open(), f"so {hidden} it is", FOLDING).text
        assert text == f"so [{KINDS[name].label}] it is"


def test_ordinary_prose_hardly_waits() -> None:
    """At most one character in a hundred waits for more than sixteen; the issue's bound."""
    chance = random.Random(6)
    waited = total = 0
    for text in prose(60):
        session = PatternSession(ALL_PATTERNS.open(), FOLDING.open(), lambda *_: None, markup=True)
        fed = out = 0
        for piece in tokens(text, chance):
            fed += len(piece)
            given_out = len(session.feed(piece).text)
            waited += sum(fed - place > 16 for place in range(out, out + given_out))
            out += given_out
            total += given_out
        session.finish()
    assert waited / total < 0.01


def test_at_least_eight_countries_have_their_checks() -> None:
    assert len({kind.name[:2] for kind in NATIONAL_IDS if any(way.check for way in kind.ways)}) >= 8


def test_every_kind_has_an_example_or_a_generator_and_says_what_it_is_and_its_form() -> None:
    assert not [kind.name for kind in KINDS.values() if not (kind.summary and kind.form)]
    assert {*VALUES, *EXAMPLES, *SHAPES} == set(KINDS)


@given(st.text(alphabet="0123456789", min_size=2, max_size=19))
def test_exactly_one_check_digit_of_ten_is_right(body: str) -> None:
    assert sum(checksums.luhn(body + digit) for digit in "0123456789") == 1
    assert sum(checksums.verhoeff(body + digit) for digit in "0123456789") == 1


def _texts(kind: Kind, chance: random.Random, count: int) -> list[str]:
    """Write texts with valid values, values with a wrong character, and look-alikes."""
    texts = []
    for _ in range(count):
        if kind.name in VALUES:
            made = "".join(in_place(kind.name, chance))
        elif kind.name in SHAPES:
            made = token(chance.choice(SHAPES[kind.name]), chance)
        else:
            made = "".join(marked(chance.choice(EXAMPLES[kind.name])))
        made = made if len(made) < 300 else made[:120] + made[-60:]
        place = chance.randrange(len(made))
        damaged = made[:place] + chance.choice("0Z-. @") + made[place + 1 :]
        around = chance.choice(AROUND).format(chance.choice((made, damaged, made + damaged, f"{made} {made}")))
        texts.append(f"{around} {chance.choice(LOOK_ALIKES)(chance)} {chance.choice(PROSE)[:20]}")
    return texts
