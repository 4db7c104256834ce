"""The limits of text captchas, and alternatives to them."""

from __future__ import annotations

from skcaptcha.report._blocks import Item

LIMITS = (
    Item(
        "Services sell answers that people type, at any hour.",
        "It cannot distinguish visitors from paid workers.",
        source='Motoyama and others, "Re: CAPTCHAs: understanding CAPTCHA-solving services in an '
        'economic context", USENIX Security 2010',
    ),
    Item(
        "Everyone who can request one image can request a thousand, and the labels of those that "
        "are read cost nothing, because the site itself confirms correct answers.",
        "It cannot prevent others from training on its images.",
    ),
    Item(
        "Noise, lines and overlap that stop a program stop people as well, and exclude those who "
        "cannot see the image.",
        "It cannot be hard for programs only.",
        source="W3C, Inaccessibility of CAPTCHA, draft note of 16 December 2021",
        url="https://www.w3.org/TR/turingtest/",
    ),
    Item(
        "People lose time with it, and some give up.",
        "It has a price.",
        source='Searles and others, "An empirical study and evaluation of modern CAPTCHAs", USENIX '
        "Security 2023",
        url="https://www.usenix.org/conference/usenixsecurity23/presentation/searles",
    ),
)

ALTERNATIVES = (
    Item(
        "Allow a number of requests per hour for each account, address and network, and answer "
        "more slowly after failures. This limits the harm, no matter who makes the requests. The "
        "figures above show how much a limit helps.",
        "Limit the number of attempts.",
        source="OWASP, Automated Threats to Web Applications",
        url="https://owasp.org/www-project-automated-threats-to-web-applications/",
    ),
    Item(
        "Let new accounts do little, require a confirmed address for more, and look at what an "
        "account does, not at whether it claims to be human.",
        "Use reputation.",
    ),
    Item(
        "They prove that the same device returns, and prevent password guessing, which many "
        "captchas are meant to stop.",
        "Use passkeys for accounts.",
        source="W3C, Web Authentication",
        url="https://www.w3.org/TR/webauthn/",
    ),
    Item(
        "With Privacy Pass, such as Private Access Tokens, a device or a network vouches for a "
        "visitor without revealing who it is.",
        "Accept anonymous tokens.",
        source="RFC 9576, The Privacy Pass Architecture, 2024",
        url="https://www.rfc-editor.org/rfc/rfc9576",
    ),
    Item(
        "Each request then costs some processor time. It works without seeing anything, but old "
        "phones are affected more than rented servers.",
        "Require proof of work.",
        source='Laurie, Clayton, "Proof-of-work proves not to work", Workshop on the Economics of '
        "Information Security 2004",
    ),
    Item(
        "A hidden field that no person fills in, or a check for forms sent faster than anyone can "
        "type, stops simple programs and costs visitors nothing. It does not stop programs written "
        "for your site.",
        "Set traps that people do not see.",
    ),
)
