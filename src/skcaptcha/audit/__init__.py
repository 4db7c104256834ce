"""For the owner of a captcha: what reading it takes, and which of its defenses hold."""

from skcaptcha.audit._audit import audit_captchas
from skcaptcha.audit._figures import Audit
from skcaptcha.audit._markdown import to_markdown
from skcaptcha.audit._page import to_page
from skcaptcha.audit._report import summary

__all__ = ["Audit", "audit_captchas", "summary", "to_markdown", "to_page"]
