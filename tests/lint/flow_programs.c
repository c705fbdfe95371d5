/* Programs from templates, in which "$" and a letter stand for what is diced: $e an expression, $c a condition, $b some
 * statements, $v a variable, $w the same once more, $f a function, $k a type's name, $n the next site. */
#include "flow_programs.h"

#include "dice.h"

#include <stdbool.h>
#include <string.h>

struct program {
    ts_buffer *out;
    uint64_t dice;
    size_t sites;
    unsigned depth;
    const char *functions; /* a letter each */
    const char *variables;
    char last;
};

#define COUNT(of) (sizeof(of) / sizeof(of)[0])

static const char *const atoms[] = {
    "nil",
    "false",
    "true",
    "0",
    "1",
    "0.5",
    "'x'",
    "'5'",
    "ARGV[1]",
    "ARGV[2]",
    "ARGV[3]",
    "KEYS[1]",
    "KEYS[2]",
    "{}",
    "{$v}",
    "{x = 1}",
    "{x = 'a', y = 2}",
    "ARGV",
    "t",
    "u",
    "t.x",
    "t.y",
    "t[1]",
    "u.x",
    "#t",
    "t[a]",
    "$v",
    "$v",
    "$v",
    "$v",
    "$v",
    "$v",
    "$v",
    "$v",
    "$v",
    "$v",
};

static const char *const expressions[] = {
    "($e or $e)",
    "($e or $e)",
    "($e and $e)",
    "($e and $e or $e)",
    "(not $e)",
    "($e == $e)",
    "(num($e) + num($e))",
    "(num($e) * 2)",
    "(num($e) / 2)",
    "tonumber($e or 1)",
    "tonumber(tostring($e))",
    "tostring($e)",
    "type($e)",
    "(tostring($e) .. 'x')",
    "tostring($e):upper()",
    "math.floor(num($e))",
    "select(2, $e, $e)",
    "{$e, $e, x = $e}",
    "$f($e, $e)",
    "$f($e)",
    "redis.call('GET', KEYS[1])",
    "redis.call('GET', 'none')",
    "redis.call('INCR', 'n')",
    "redis.call('LPOP', 'l')",
    "redis.call('LPOP', 'l', 1)",
    "redis.call('HGETALL', 'h')[2]",
    "redis.call('HMGET', 'h', 'f', 'z')[2]",
    "redis.call('SET', 'q', '1', 'NX')",
    "redis.pcall('INCR', KEYS[1])",
};

static const char *const conditions[] = {
    "$v",
    "not $v",
    "ARGV[1]",
    "not ARGV[3]",
    "t.x",
    "$v == nil",
    "$v ~= nil",
    "$v == false",
    "$v == 'x'",
    "$v ~= 1",
    "type($v) == '$k'",
    "type($v) ~= '$k'",
    "ARGV[3] == nil",
    "($c) and ($c)",
    "($c) or ($c)",
    "not ($c)",
};

static const char *const types[] = {"nil", "boolean", "string", "number", "table"};

/* Without others in them. */
static const char *const statements[] = {
    "$v = $e",
    "$v = $e",
    "$v = $e",
    "$v, $v = $e, $e",
    "$v, $v = $f($e)",
    "$f($e, $e)",
    "rawequal($v, $n)",
    "rawequal($v, $n)",
    "see($v, $n)",
    "rawequal($e, $n)",
    "rawequal(t.x, $n) rawequal(t[1], $n)",
    "rawequal(u.x, $n)",
    "t.x = $e",
    "t.y = $e",
    "u.x = $e",
    "t[1] = $e",
    "t[#t + 1] = $e",
    "table.insert(t, $e)",
    "table.remove(t)",
    "t[tostring($e)] = 1",
    "t = {x = $e}",
    "t = $e or {}",
    "u = t",
    "t, u = u, t",
};

/* With others in them. */
/* NOLINTBEGIN(bugprone-suspicious-missing-comma): some are too long for one line */
static const char *const blocks[] = {
    "if $c then $b end",
    "if $c then $b else $b end",
    "if $c then $b elseif $c then $b else $b end",
    "if $c then $b elseif $c then $b end",
    "while $c do if tick() then break end $b end",
    "while $c do if tick() then break end $b if $c then break end end",
    "repeat $b if tick() then break end until $c",
    "for i = 1, 3 do $b rawequal(i, $n) end",
    "for k, w in ipairs(t) do if tick() then break end rawequal(k, $n) rawequal(w, $n) $b end",
    "for k, w in pairs(u) do if tick() then break end see(k, $n) rawequal(w, $n) $b end",
    "for i, w in ipairs(ARGV) do if tick() then break end rawequal(w, $n) $b end",
    "for i, w in ipairs(redis.call('HMGET', 'h', 'f', 'z', 'f')) do rawequal(w, $n) $b end",
    "do local $v = $e $b end",
    "if $c then error('e') end",
    "do local function h(p) rawequal(p, $n) $v = p $b end h($e) h($e) end",
    "$v = (function() $b return $e end)()",
    "pcall(function() $b end)",
    "local ok, e = pcall($f, $e) rawequal(ok, $n) rawequal(e, $n)",
    "assert($v) rawequal($w, $n)",
    "local w = {a = {b = $e}, $e} rawequal(w.a.b, $n) w.a.b = $e rawequal(w[1], $n)",
    "do local function va(...) local p, q = ... rawequal(p, $n) rawequal(q, $n) return ... end "
    "$v, $v = va($e, $e) va() end",
    "do local w local function use() return w and w($e) end $v = use() "
    "w = function(p) rawequal(p, $n) return p end $v = use() rawequal($w, $n) end",
    "do local w = {n = 0, s = $e} local function up() w.n = w.n + 1 w.s = $e end up() "
    "rawequal(w.n, $n) rawequal(w.s, $n) end",
    "do local function rec(n) if n <= 0 then return $e end return rec(n - 1) end $v = rec(2) end",
    "do local w = {} function w.go(p) rawequal(p, $n) return p end $v = w.go($e) end",
    "do local w = {} for i = 1, 3 do w[#w + 1] = {id = $e} end "
    "for _, each in ipairs(w) do rawequal(each.id, $n) each.id = $e end end",
    "do local r = redis.pcall('INCR', KEYS[1]) if type(r) == 'table' and r.err then "
    "rawequal(r.err, $n) else rawequal(r, $n) end end",
    "do local p, q = ARGV[1] if $c then p, q = q, p end rawequal(p, $n) rawequal(q, $n) end",
    "do local s = tonumber($e) if not s then s = $e end rawequal(s, $n) end",
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

static size_t pick(struct program *p, size_t count)
{
    return (size_t)(dice_next(&p->dice) % count);
}

static void write_text(struct program *p, const char *text);

static void write_expression(struct program *p)
{
    bool leaf = p->depth > 2 || pick(p, 3) == 0;
    p->depth++;
    write_text(p, leaf ? atoms[pick(p, COUNT(atoms))] : expressions[pick(p, COUNT(expressions))]);
    p->depth--;
}

static void write_condition(struct program *p)
{
    size_t leaves = COUNT(conditions) - 3;
    p->depth++;
    write_text(p, conditions[pick(p, p->depth > 4 ? leaves : COUNT(conditions))]);
    p->depth--;
}

static void write_block(struct program *p)
{
    p->depth += 2;
    for (size_t n = 1 + pick(p, 3); n > 0; n--) {
        bool leaf = p->depth > 5 || pick(p, 2) == 0;
        unsigned depth = p->depth;
        const char *text =
            leaf ? statements[pick(p, COUNT(statements))] : blocks[pick(p, COUNT(blocks))];
        p->depth = leaf ? 0 : depth; /* an expression is as deep as it likes */
        write_text(p, text);
        p->depth = depth;
        ts_buffer_print(p->out, "\n");
    }
    p->depth -= 2;
}

static void write_word(struct program *p, char what)
{
    switch (what) {
    case 'e':
        write_expression(p);
        return;
    case 'c':
        write_condition(p);
        return;
    case 'b':
        write_block(p);
        return;
    case 'v':
        p->last = p->variables[pick(p, strlen(p->variables))];
        ts_buffer_print(p->out, "%c", p->last);
        return;
    case 'w':
        ts_buffer_print(p->out, "%c", p->last);
        return;
    case 'f':
        ts_buffer_print(p->out, "%c", p->functions[pick(p, strlen(p->functions))]);
        return;
    case 'k':
        ts_buffer_print(p->out, "%s", types[pick(p, COUNT(types))]);
        return;
    default:
        ts_buffer_print(p->out, "%zu", ++p->sites);
        return;
    }
}

static void write_text(struct program *p, const char *text)
{
    for (; *text; text++)
        if (text[0] == '$')
            write_word(p, *++text);
        else
            ts_buffer_print(p->out, "%c", *text);
}

size_t flow_program_write(ts_buffer *out, uint64_t seed, uint64_t number)
{
    static const char *const firsts[] = {
        "local a, b, c, d = ARGV[1], nil, redis.call('GET', KEYS[1])\n",
        "local a, b, c, d = 1, 'x', false\n",
        "local a, b, c, d\n",
    };
    static const char *const heads[] = {"local function f(p, q) ", "local f = function(p, q) ",
                                        "local f f = function(p, q) "};
    struct program p = {.out = out, .dice = dice_of(seed, number, 0), .functions = "f"};
    p.variables = "abcd";
    write_text(&p, firsts[pick(&p, COUNT(firsts))]);
    ts_buffer_print(out, "local t, u = {}, {x = 1}\n");
    size_t head = pick(&p, COUNT(heads));
    p.variables = pick(&p, 2) ? "pq" : "abpq";
    p.functions = head == 1 ? "m" : "f"; /* in the second it is not there yet */
    write_text(&p, heads[head]);
    write_text(&p, head == 1 ? "local m = type if tick() then return $e end\n$b return $e, $e end\n"
                             : "if tick() then return $e end\n$b return $e, $e end\n");
    p.functions = "f";
    write_text(&p, "local function g(p, q) if tick() then return end\n$b return $e end\n");
    p.variables = "abcd";
    p.functions = "fg";
    for (size_t n = 2 + pick(&p, 3); n > 0; n--)
        write_block(&p);
    return p.sites;
}
