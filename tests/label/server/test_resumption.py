"""Tabs of a killed server and the server that replaces it recognize each other."""

import hashlib
import hmac


def signed(key: str, signer: str, host: str, nonce: str, server_nonce: str) -> str:
    message = f"{signer}\n{host}\n{nonce}\n{server_nonce}".encode()
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


def test_token_is_sent_only_to_tabs_that_know_the_key(client, page):
    key = page._address.key
    stranger = {"authorization": None}
    said = client.post("resume", headers=stranger, nonce="mine").json()
    assert said.keys() == {"nonce", "proof"}
    assert said["proof"] == signed(key, "server", client.host, "mine", said["nonce"])
    right = signed(key, "page", client.host, "mine", said["nonce"])
    for nonce, proof in [
        ("mine", said["proof"]),
        ("mine", ""),
        ("mine", 7),
        ("mine", "\u00e9"),
        ("other", right),
        ("mine", signed("another key", "page", client.host, "mine", said["nonce"])),
        ("mine", signed(key, "page", "127.0.0.1:1", "mine", said["nonce"])),
        ("mine", signed(key, "page", client.host, "mine", "number of an earlier start")),
        (None, right),
        ("n" * 10_000, right),
    ]:
        refused = client.post("resume", headers=stranger, nonce=nonce, proof=proof)
        assert (refused.status, refused.json().keys()) == (403, {"error"})
    told = client.post("resume", headers=stranger, nonce="mine", proof=right)
    assert told.json() == {"token": client.token}
    elsewhere = stranger | {"origin": "http://evil.example"}
    assert client.post("resume", headers=elsewhere, nonce="mine", proof=right).status == 403
