"""Addresses that forms and programs hold in place of a person's."""

BLOCKED_EMAILS = frozenset(
    {
        "test@test.com", "test@test.cn", "test@test.de", "test@test.org", "test@example.com", "test@qq.com",
        "test@163.com", "test@gmail.com", "a@a.com", "aa@aa.com", "aaa@aaa.com", "abc@abc.com", "asd@asd.com",
        "123@123.com", "1@1.com", "x@x.com", "123@qq.com", "123456@qq.com", "null@null.com", "none@none.com",
        "no@no.com", "na@na.com", "noemail@noemail.com", "no@email.com", "none@gmail.com", "email@email.com",
        "noreply@example.com", "no-reply@example.com", "admin@admin.com",
        "unknown@unknown.com", "anonymous@anonymous.com", "guest@guest.com", "fake@fake.com",
    }
)  # fmt: skip
"""Valid in form; nobody in particular."""
