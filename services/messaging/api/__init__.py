"""Templates, rules, messages and what became of them; the in-app inbox; the links in mails."""
