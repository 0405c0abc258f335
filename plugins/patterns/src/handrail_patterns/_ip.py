"""Addresses in networks: IP of both versions, and hardware addresses."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv6Address

from handrail_patterns._context import Words
from handrail_patterns._edges import ESCAPED
from handrail_patterns._kind import Kind, Way

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_HEX = "[0-9A-Fa-f]"
_LEFT = rf"(?<![0-9A-Za-z_]{ESCAPED})"
_RIGHT = "(?![0-9A-Za-z_])"

_VERSION = (
    r"(?<![A-Za-z])(?i:v(?:ersions?|er)?|releases?|revision|rev|build|firmware|driver|sections?|sec|chapter|clause"
    r"|paragraph|article|appendix|figure|fig|table|step|item|rule|control|requirement|theorem|lemma|equation|eq"
    r"|oid|object ?identifier"
    r"|\u7248\u672c|\u30d0\u30fc\u30b8\u30e7\u30f3|\u30cf\u3099\u30fc\u30b7\u3099\u30e7\u30f3|\ubc84\uc804"
    r"|\u1107\u1165\u110c\u1165\u11ab|\u0432\u0435\u0440\u0441\u0438[\u0438\u0439\u044f\u044e])"
    r"[ :=(\"'`.]{0,3}(?:(?:from|to|is|was|number|no\.?) )?"
)
"""What stands right before the number of a version or a section, and not before an address."""

_MAC_WORDS = Words("mac", "bssid", "ether", "hwaddr", "ethernet", "hardware", "bluetooth", "physical")


def _ipv4(text: str) -> bool:
    """Pass over addresses that are nobody's: this host, no host, all hosts, and those of networks and their masks."""
    address = IPv4Address(text)
    return not (address.is_loopback or text.endswith(".0") or text.startswith("255."))


def _ipv6(text: str) -> bool:
    """Check the form, and that it is no slice or scope of a programming language."""
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return False
    groups = [group for group in text.split(":") if group]
    if address.is_loopback or address.is_unspecified or not any(map(str.isdigit, text)):
        return False
    return len(groups) >= 4 or "." in text or (len(groups[0]) >= 3 and _is_assigned(groups[0]))


def _is_assigned(first: str) -> bool:
    """Return whether addresses that begin so are in use: global, unique local, link-local, multicast."""
    number = int(first, 16)
    return 0x2000 <= number <= 0x3FFF or 0xFC00 <= number <= 0xFDFF or 0xFE80 <= number <= 0xFEBF or number >= 0xFF00


def _has_letter(text: str) -> bool:
    return any(map(str.isalpha, text))


IP_ADDRESS = Kind(
    "ip_address",
    "IP",
    (
        Way(
            rf"{_LEFT}(?<!\d\.)(?<![<>=!~^]=)(?<![~^])(?<![A-Za-z]/){_IPV4}(?!\.?\d|[A-Za-z_]|-(?!{_IPV4}(?![0-9A-Za-z.]))[0-9A-Za-z])",
            check=_ipv4,
            not_after=_VERSION,
        ),
        Way(
            rf"{_LEFT}(?<![:.])(?:{_HEX}{{1,4}}:|:(?=:))(?:{_HEX}{{0,4}}:){{1,6}}(?:{_IPV4}|{_HEX}{{1,4}}|(?<=::)(?!/\d))"
            rf"(?![0-9A-Za-z_:])(?!\.\d)",
            check=_ipv6,
        ),
    ),
    summary="IP address, version 4 or 6",
    form="four octets with dots; eight groups of hexadecimal digits, or fewer with `::`",
    checksum="range of octets; loopback, masks and `::` of programs are nobody's; no version before or beside it",
)

MAC_ADDRESS = Kind(
    "mac_address",
    "MAC",
    (
        *(
            Way(rf"{_LEFT}(?<![:-]){_HEX}{{2}}(?:{gap}{_HEX}{{2}}){{5}}(?:(?:{gap}{_HEX}{{2}}){{2}})?{_RIGHT}(?![:-]{_HEX})",
                check=_has_letter)
            for gap in ":-"
        ),
        *(
            Way(rf"{_LEFT}(?<![:-])\d{{2}}(?:{gap}\d{{2}}){{5}}(?:(?:{gap}\d{{2}}){{2}})?{_RIGHT}(?![:-]{_HEX})",
                near=_MAC_WORDS)
            for gap in ":-"
        ),
        Way(
            rf"{_LEFT}{_HEX}{{12}}{_RIGHT}",
            check=lambda text: _has_letter(text) and any(map(str.isdigit, text)),
            near=_MAC_WORDS,
        ),
        Way(rf"{_LEFT}(?<!\.){_HEX}{{4}}\.{_HEX}{{4}}\.{_HEX}{{4}}{_RIGHT}(?!\.[0-9A-Za-z])", check=_has_letter),
    ),
    summary="hardware address of a network interface",
    form="six or eight groups of two hexadecimal digits, all with `:` or all with `-`; three of four with dots; "
    "twelve digits after a word",
    checksum="at least one letter, or a word nearby",
)  # fmt: skip
