"""Both servers send the same security headers with each answer, and change nothing else."""

import asyncio

from skcaptcha._security_headers import SECURITY_HEADERS, with_security_headers


def test_the_head_of_each_answer_gets_them():
    sent = []

    async def send(message):
        sent.append(message)

    async def answer():
        secured = with_security_headers(send)
        await secured({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await secured({"type": "http.response.body", "body": b"x"})

    asyncio.run(answer())
    head, body = sent
    assert head["status"] == 200
    assert dict(head["headers"]) == {b"a": b"b"} | SECURITY_HEADERS
    assert body == {"type": "http.response.body", "body": b"x"}
    assert b"default-src 'none'" in SECURITY_HEADERS[b"content-security-policy"]
    assert SECURITY_HEADERS[b"x-content-type-options"] == b"nosniff"
