"""Named parameters become PostgreSQL's."""

import pytest

from libs.common.db.statement import compile_sql


@pytest.mark.parametrize(
    ("sql", "text", "names"),
    [
        ("select :a, :b, :a", "select $1, $2, $1", ("a", "b")),
        ("select :a::int[], b::text", "select $1::int[], b::text", ("a",)),
        ("select ':a', E'it\\':b', \"x:c\", :d", "select ':a', E'it\\':b', \"x:c\", $1", ("d",)),
        ("select 'it''s :a' -- :b\n, :c /* :d */", "select 'it''s :a' -- :b\n, $1 /* :d */", ("c",)),
        ("do $$ select :a $$; select $x$ :b $x$, :c", "do $$ select :a $$; select $x$ :b $x$, $1", ("c",)),
        ("select a[1:2], a[:n]", "select a[1:2], a[$1]", ("n",)),
    ],
)
def test_only_real_parameters_are_replaced(sql, text, names):
    compiled = compile_sql(sql)
    assert (compiled.text, compiled.names) == (text, names)


def test_a_missing_or_unknown_parameter_is_refused():
    compiled = compile_sql("select :a, :b")
    assert compiled.bind({"b": 2, "a": 1}) == [1, 2]
    with pytest.raises(TypeError, match="'b' is not given"):
        compiled.bind({"a": 1})
    with pytest.raises(TypeError, match=r"\['c'\]"):
        compiled.bind({"a": 1, "b": 2, "c": 3})
