"""For the owner of a captcha: what reading it takes, and which of its defences hold."""

from skcaptcha.audit._audit import Audit, audit_captchas
from skcaptcha.audit._markdown import to_markdown
from skcaptcha.audit._page import to_page

__all__ = ["Audit", "audit_captchas", "to_markdown", "to_page"]
