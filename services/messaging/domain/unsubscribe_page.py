"""The page behind an unsubscribe link, in Chinese and English; no script, nothing from elsewhere."""

_WORDS = {
    "en": {
        "title": "Unsubscribe",
        "ask": "Do you no longer want to get these messages?",
        "button": "Unsubscribe",
        "done": "You are unsubscribed. You will get no more of these messages.",
    },
    "zh": {
        "title": "退订",
        "ask": "您不想再收到此类消息吗？",
        "button": "退订",
        "done": "您已退订，将不再收到此类消息。",
    },
}


def page(*, chinese: bool, done: bool) -> str:
    """Return the page: the question with one button, or that it is done."""
    language = "zh" if chinese else "en"
    words = _WORDS[language]
    body = f"<p>{words['done']}</p>"
    if not done:
        body = f'<p>{words["ask"]}</p><form method="post"><button type="submit">{words["button"]}</button></form>'
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{words["title"]}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        "<style>body{font-family:system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}</style></head>"
        f"<body><h1>{words['title']}</h1>{body}</body></html>"
    )
