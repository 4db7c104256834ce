"""What a text captcha cannot do, and what to use instead of it."""

from __future__ import annotations

from skcaptcha.audit._blocks import Item

CANNOT = (
    Item(
        "It cannot tell visitors from paid workers.",
        "Services sell answers that people type, at any hour.",
        'Motoyama and others, "Re: CAPTCHAs: understanding CAPTCHA-solving services in an economic '
        'context", USENIX Security 2010',
    ),
    Item(
        "It cannot prevent others from learning from its images.",
        "Everyone who can request one image can request a thousand, and the labels of those that "
        "are read cost nothing, because the site itself says which answers are right.",
    ),
    Item(
        "It cannot be hard for programs only.",
        "Noise, lines and overlap that stop a program stop people as well, and exclude those who "
        "cannot see the image.",
        "W3C, Inaccessibility of CAPTCHA, draft note of 16 December 2021",
        "https://www.w3.org/TR/turingtest/",
    ),
    Item(
        "It has a price.",
        "People lose time with it, and some give up.",
        'Searles and others, "An empirical study and evaluation of modern CAPTCHAs", USENIX '
        "Security 2023",
        "https://www.usenix.org/conference/usenixsecurity23/presentation/searles",
    ),
)

INSTEAD = (
    Item(
        "Limit the number of attempts.",
        "Allow a number of requests per hour for each account, address and network, and answer "
        "more slowly after failures. This limits the harm, whoever makes the requests. The figures "
        "above show what a limit is worth.",
        "OWASP, Automated Threats to Web Applications",
        "https://owasp.org/www-project-automated-threats-to-web-applications/",
    ),
    Item(
        "Use reputation.",
        "Let new accounts do little, require a confirmed address for more, and look at what an "
        "account does, not at whether it claims to be human.",
    ),
    Item(
        "Use passkeys for accounts.",
        "They prove that the same device returns, and prevent password guessing, which many "
        "captchas are meant to stop.",
        "W3C, Web Authentication",
        "https://www.w3.org/TR/webauthn/",
    ),
    Item(
        "Accept anonymous tokens.",
        "With Privacy Pass, such as Private Access Tokens, a device or a network vouches for a "
        "visitor without revealing who it is.",
        "RFC 9576, The Privacy Pass Architecture, 2024",
        "https://www.rfc-editor.org/rfc/rfc9576",
    ),
    Item(
        "Require proof of work.",
        "Each request then costs some processor time. Nobody has to see anything, but old phones "
        "are affected more than rented servers.",
        'Laurie, Clayton, "Proof-of-work proves not to work", Workshop on the Economics of '
        "Information Security 2004",
    ),
    Item(
        "Set traps that people do not see.",
        "A hidden field that no person fills in, or a check for forms sent faster than anybody can "
        "type, stops simple programs and costs visitors nothing. It does not stop programs written "
        "for your site.",
    ),
)
