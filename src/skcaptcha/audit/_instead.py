"""What a text captcha cannot do, and what to use instead of it."""

from __future__ import annotations

from skcaptcha.audit._blocks import Item

CANNOT = (
    Item(
        "It cannot tell people from those whom people work for.",
        "Services sell answers that are typed by people, at any hour.",
        'Motoyama and others, "Re: CAPTCHAs: understanding CAPTCHA-solving services in an economic '
        'context", USENIX Security 2010',
    ),
    Item(
        "It cannot keep its images from being learnt.",
        "Whoever may ask for one may ask for a thousand, and the labels of those that were read "
        "cost nothing: a site says itself which answers were right.",
    ),
    Item(
        "It cannot be hard for programs alone.",
        "Noise, lines and overlap that stop a reader stop people as well, and shut out those who "
        "do not see the image.",
        "W3C, Inaccessibility of CAPTCHA, draft note of 16 December 2021",
        "https://www.w3.org/TR/turingtest/",
    ),
    Item(
        "It cannot be had without a price.",
        "People lose time over it, and some give up what they came for.",
        'Searles and others, "An empirical study and evaluation of modern CAPTCHAs", USENIX '
        "Security 2023",
        "https://www.usenix.org/conference/usenixsecurity23/presentation/searles",
    ),
)

INSTEAD = (
    Item(
        "Limit how often.",
        "So many requests for an account, an address and a network in an hour, and slower answers "
        "after failures. This bounds the harm, whoever asks; the figures above say what a limit of "
        "so many attempts is worth.",
        "OWASP, Automated Threats to Web Applications",
        "https://owasp.org/www-project-automated-threats-to-web-applications/",
    ),
    Item(
        "Go by reputation.",
        "Let new accounts do little, confirm an address before much, and look at what is done "
        "rather than at who says to be human.",
    ),
    Item(
        "Use passkeys for accounts.",
        "They prove that the same device comes back, and end the guessing of passwords, which many "
        "captchas stand before.",
        "W3C, Web Authentication",
        "https://www.w3.org/TR/webauthn/",
    ),
    Item(
        "Take anonymous tokens.",
        "Privacy Pass, of which Private Access Tokens are a kind, lets a device or a network vouch "
        "for a visitor without saying who it is.",
        "RFC 9576, The Privacy Pass Architecture, 2024",
        "https://www.rfc-editor.org/rfc/rfc9576",
    ),
    Item(
        "Ask for work.",
        "A proof of work has each request cost some processor time. It needs no eyes, but weighs "
        "more on old telephones than on a rented server.",
        'Laurie, Clayton, "Proof-of-work proves not to work", Workshop on the Economics of '
        "Information Security 2004",
    ),
    Item(
        "Lay traps that people do not see.",
        "A field that no person fills in, or a form sent sooner than anybody types, stops simple "
        "programs and costs nobody anything; it does not stop those written for your site.",
    ),
)
