"""Certificates are read once in a process, and again when they have changed."""

from __future__ import annotations

import os
import shutil

import certifi
from handrail_http import tls_context


def test_all_clients_check_certificates_with_one_context(monkeypatch):
    first = tls_context(None)
    assert tls_context(None) is first
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    assert tls_context(None) is not first


def test_a_file_of_certificates_that_has_changed_is_read_again(tmp_path):
    file = tmp_path / "authority.pem"
    shutil.copy(certifi.where(), file)
    first = tls_context(file)
    assert tls_context(file) is first
    os.utime(file, ns=(1, 1))
    assert tls_context(file) is not first
