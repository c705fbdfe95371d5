/* What rules are given: hooks in their order, nodes, what `lint` answers; and what is refused to them. */
#include "engine_rig.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct rig rig;

/* What a rule with this body says of a source, without the "r warning " in front. */
static void says(const char *body, const char *source, const char *expected)
{
    rig_look(&rig, body, source);
    ck_assert_str_eq(rig.said, expected);
    rig_close(&rig);
}

/* Of a rule whose hook for `return` says `expression` of the node. */
static void tells(const char *expression, const char *source, const char *expected)
{
    char body[1024], line[1024];
    snprintf(body, sizeof body,
             "return {['return'] = function(node) local it = node.values[1]"
             " lint.report({offset = 1, finish = 1}, tostring(%s)) end}",
             expression);
    rig_look(&rig, body, source);
    snprintf(line, sizeof line, "r warning 0-1 %s\n", expected);
    ck_assert_str_eq(rig.said, line);
    rig_close(&rig);
}

/* What a rule with this body fails with: a part of the message. */
static void fails(const char *body, const char *source, const char *part)
{
    rig_look(&rig, body, source);
    ck_assert_msg(strstr(rig.said, "rule-failed error") == rig.said &&
                      strstr(rig.said, part) != NULL,
                  "%s\nwithout: %s", rig.said, part);
    rig_close(&rig);
}

/* ---- hooks ---- */

START_TEST(hooks_come_in_the_order_of_the_source)
{
    static const char body[] =
        "local seen = {}"
        " local function note(node) seen[#seen + 1] = node.kind end"
        " local function leave(node) seen[#seen + 1] = '/' .. node.kind end"
        " return {chunk = note, ['local'] = note, name = note, number = note, binary = note,"
        " call = note, ['return'] = note, leave_binary = leave, leave_chunk = leave,"
        " leave_name = leave, command = function(node, call) seen[#seen + 1] = call.name end,"
        " finish = function() lint.report({offset = 1, finish = 0}, table.concat(seen, ' ')) end}";
    says(body, "local a = 1 + 2 return redis.call('GET', a)",
         "r warning 0-0 chunk local name /name binary number number /binary return call GET name "
         "/name name /name /chunk\n");
}
END_TEST

START_TEST(every_kind_is_a_hook)
{
    char body[256], source[256];
    for (int kind = 0; kind < LINT_KINDS; kind++) {
        const char *name = lint_kind_name((enum lint_kind)kind);
        snprintf(body, sizeof body,
                 "return {['%s'] = function(node) lint.report(node, node.kind) end,"
                 " ['leave_%s'] = function(node) lint.report(node, 'leave ' .. node.kind) end}",
                 name, name);
        rig_look(&rig, body,
                 "local a, b = nil, true; a = -b; f(); do end while false do break end"
                 " repeat until a if a then else end for i = 1, 2 do end for k in f() do end"
                 " function f(...) return ... end local function g() end"
                 " x = {1, k = 'v'} y = x.k; o:m() goto z ::z:: y = (x) + 1");
        snprintf(source, sizeof source, " leave %s\n", name);
        ck_assert_msg(strstr(rig.said, source) != NULL, "%s: %s", name, rig.said);
        rig_close(&rig);
    }
}
END_TEST

START_TEST(remarks_are_for_the_rule_of_their_name)
{
    rig_open(&rig);
    rig_rule(&rig, "operator-53", "return {remark = lint.remark}");
    rig_rule(&rig, "goto-label",
             "return {remark = function(remark) lint.report(remark,"
             " remark.line .. ':' .. remark.column) end}");
    rig_parse(&rig, "x = 7 // 2\ngoto out");
    ck_assert(rig_run(&rig));
    ck_assert_ptr_nonnull(strstr(rig.said, "operator-53 warning 6-8 "));
    ck_assert_ptr_nonnull(strstr(rig.said, "goto-label warning 11-"));
    ck_assert_ptr_nonnull(strstr(rig.said, "2:1\n"));
    rig_close(&rig);
}
END_TEST

START_TEST(a_broken_source_has_remarks_alone)
{
    rig_open(&rig);
    rig_rule(&rig, "a",
             "lint.report({offset = 1, finish = 1}, 'check') return"
             " {chunk = function(node) lint.report(node, 'chunk') end,"
             " finish = function() lint.report({offset = 1, finish = 1}, 'end') end}");
    rig_rule(&rig, "syntax", "return {remark = function(it) lint.report(it, 'remark') end}");
    rig_parse(&rig, "local = 1");
    ck_assert(rig_run(&rig));
    ck_assert_str_eq(rig.said, "a warning 0-1 check\nsyntax warning 6-7 remark\n");
    rig_close(&rig);
}
END_TEST

START_TEST(rules_run_by_name_and_off_ones_not)
{
    rig_open(&rig);
    static const char body[] = "return {chunk = function(node) lint.report(node, 'here') end}";
    rig_rule(&rig, "b", body);
    rig_rule(&rig, "c", body);
    rig_rule(&rig, "a", body);
    rig_parse(&rig, "x = 1");
    engine_rule_at(rig.engine, 1)->severity = VOUCH_LINT_OFF;
    engine_rule_at(rig.engine, 2)->severity = VOUCH_LINT_ERROR;
    ck_assert(rig_run(&rig));
    ck_assert_str_eq(rig.said, "a warning 0-5 here\nc error 0-5 here\n");
    ck_assert_ptr_null(engine_rule_at(rig.engine, 3));
    ck_assert_uint_eq(engine_rule_count(rig.engine), 3);
    rig_close(&rig);
}
END_TEST

START_TEST(wrong_hooks_are_told)
{
    fails("return {binray = type, another = 1}", "x = 1", "'another' is not a hook");
    fails("return {binary = 1}", "x = 1", "the hook 'binary' is not a function");
    fails("return 1", "x = 1", "check returns a number, not a table of hooks");
    fails("", "x = 1", "check returns a nil");
    fails("return {[1] = type}", "x = 1", "whose name is a number");
}
END_TEST

/* ---- nodes ---- */

START_TEST(nodes_have_their_fields)
{
    tells("it.kind .. it.line .. it.column .. it.offset .. it.finish", "\nreturn  12",
          "number291011");
    tells("it.number", "return 12", "12");
    tells("math.type(it.number)", "return 12", "integer");
    tells("it.number", "return 1.5", "1.5");
    tells("it.text .. #it.text", "return 'a\\0b'", "a\0b3");
    tells("it.op .. it.left.kind .. it.right.kind", "return 'a' .. 1", "..stringnumber");
    tells("it.op .. it.operand.kind", "return not x", "notname");
    tells("it.object.text .. it.key.text .. tostring(it.named)", "return t.k", "tktrue");
    tells("it.key.kind .. tostring(it.named)", "return t['k']", "stringfalse");
    tells("it.callee.text .. #it.arguments .. it.arguments[2].number", "return f(1, 2)", "f22");
    tells("#it.arguments", "return f()", "0");
    tells("it.object.text .. it.name.text .. #it.arguments", "return o:m(1)", "om1");
    tells("it.inner.kind", "return (...)", "dots");
    tells("it.fields[1].key", "return {1}", "nil");
    tells("it.fields[1].value.number", "return {1}", "1");
    tells("it.fields[1].key.text .. tostring(it.fields[1].named)", "return {k = 1}", "ktrue");
    tells("#it.parameters .. tostring(it.vararg) .. #it.body", "return function(a, b, ...) end",
          "2true0");
    tells("it.parent.kind .. it.parent.parent.kind .. tostring(it.parent.parent.parent)",
          "return 1", "returnchunknil");
    tells("it.variable", "return x", "nil");
    tells("it.nothing", "return x", "nil");
    tells("it[1]", "return x", "nil");
    tells("it", "return x", "name at 1:8");
}
END_TEST

START_TEST(variables_have_their_fields)
{
    static const char source[] = "local a, b = 1, 2 b = a + b return function() return b end";
    rig_look(&rig,
             "return {leave_chunk = function(chunk) local b = chunk.body[1].names[2].variable"
             " lint.report(chunk, table.concat({b.name, b.id, b.declared.offset, b.func.kind,"
             " b.reads, b.writes, tostring(b.parameter), tostring(b.loop), tostring(b.captured),"
             " tostring(b.nothing), tostring(b)}, ' ')) end}",
             source);
    ck_assert_str_eq(rig.said, "r warning 0-58 b 1 10 chunk 2 1 false false true nil variable b\n");
    rig_close(&rig);
    tells("it.parameters[1].variable.parameter", "return function(p) end", "true");
    rig_look(&rig,
             "return {for_number = function(node) lint.report(node, tostring("
             "node.name.variable.loop) .. #node.range .. node.range[1].number) end}",
             "for i = 1, 2 do end");
    ck_assert_str_eq(rig.said, "r warning 0-19 true21\n");
    rig_close(&rig);
}
END_TEST

START_TEST(a_node_is_always_the_same_object)
{
    rig_open(&rig);
    rig_rule(&rig, "a",
             "local seen = {} return {name = function(node) seen[node] = true end,"
             " number = function(node) local left = node.parent.left"
             " lint.report(node, tostring(seen[left] and left == node.parent.left and"
             " rawequal(node.parent.right, node) and node.parent.left.variable =="
             " left.variable and node.parent ~= node)) end}");
    rig_rule(&rig, "b",
             "local kept return {chunk = function(node) kept = node.body end, finish = function()"
             " lint.report(kept[1], tostring(kept == kept[1].parent.body)) end}");
    rig_parse(&rig, "local x return x + 1");
    ck_assert(rig_run(&rig));
    ck_assert_str_eq(rig.said, "a warning 19-20 true\nb warning 0-7 true\n");
    rig_close(&rig);
}
END_TEST

START_TEST(nothing_that_is_given_can_be_changed)
{
    static const char *const rows[] = {
        "it.kind = 'x'",
        "it.new = 1",
        "it.arguments[3] = it",
        "table.insert(it.arguments, it)",
        "rawset(it.arguments, 3, it)",
        "lint.may = nil",
        "lint.new = 1",
        "rawset(lint, 'may', nil)",
        "string.rep = nil",
        "string.new = 1",
        "rawset(string, 'rep', 1)",
        "setmetatable(string, nil)",
        "setmetatable(lint, {})",
        "lint.targets['redis-7.0'] = nil",
        "lint.info('GET').write = true",
        "lint.info('GET').on['redis-7.0'] = nil",
        "lint.info('GET').reply.x = true",
        "getmetatable('').__index = {}",
        "lint.sandbox.print = nil",
        "lint.sandbox.tonumber.on = nil",
    };
    char body[256];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(body, sizeof body, "return {call = function(it) %s end}", rows[i]);
        rig_look(&rig, body, "return f(1, 2)");
        ck_assert_msg(strstr(rig.said, "rule-failed") == rig.said, "%s: %s", rows[i], rig.said);
        rig_close(&rig);
    }
}
END_TEST

START_TEST(globals_are_a_rules_own_fault)
{
    fails("found = 1 return {}", "x = 1", "r:1: writes the global 'found': make it local");
    fails("return {chunk = function() count = 1 end}", "x = 1", "writes the global 'count'");
    fails("_ENV.x = 1 return {}", "x = 1", "writes the global 'x'");
    fails("rawset(_ENV, 'x', 1) return {}", "x = 1", "read-only");
    static const char *const gone[] = {"print",       "load",    "loadstring", "dofile",
                                       "loadfile",    "require", "io",         "os",
                                       "debug",       "package", "coroutine",  "collectgarbage",
                                       "string.dump", "xpcall",  "_G",         "math.random"};
    char body[256];
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        snprintf(body, sizeof body, "lint.report({offset = 1, finish = 0}, tostring(%s)) return {}",
                 gone[i]);
        says(body, "x = 1", "r warning 0-0 nil\n");
    }
    fails("setmetatable({}, {__gc = function() end})", "x = 1", "no finalizers");
}
END_TEST

/* ---- reports ---- */

START_TEST(reports_say_where_and_how_bad)
{
    says("return {binary = function(it) lint.report(it, 'm') end}", "x = 1 +  2",
         "r warning 6-7 m\n");
    says("return {binary = function(it) lint.report(it.left, 'm', 'info') end}", "x = 1 + 2",
         "r info 4-5 m\n");
    says("return {binary = function(it) lint.report(it.left, 'm', 'error') end}", "x = 1 + 2",
         "r warning 4-5 m\n");
    says("return {chunk = function(it) lint.report(lint.comments[1],"
         " lint.text(lint.comments[1]) .. tostring(lint.comments[1].alone)) end}",
         "x = 1 -- why", "r warning 6-12 -- whyfalse\n");
    says("return {chunk = function(it) lint.report({offset = 3, finish = 4}, 'm') end}", "x = 1",
         "r warning 2-4 m\n");
}
END_TEST

START_TEST(reports_are_checked)
{
    static const char *const rows[][2] = {
        {"lint.report()", "node expected, got no value"},
        {"lint.report(nil, 'm')", "node expected, got nil"},
        {"lint.report({}, 'm')", "has no number 'offset'"},
        {"lint.report({offset = 1}, 'm')", "has no number 'finish'"},
        {"lint.report({offset = 0, finish = 1}, 'm')", "outside of the source"},
        {"lint.report({offset = 1, finish = 99}, 'm')", "outside of the source"},
        {"lint.report({offset = 5, finish = 3}, 'm')", "outside of the source"},
        {"lint.report({offset = 1 << 40, finish = 1 << 41}, 'm')", "outside of the source"},
        {"lint.report(it)", "string expected"},
        {"lint.report(it, 5)", "string expected"},
        {"lint.report(it, 'm', 'worse')", "invalid option 'worse'"},
        {"lint.report(it.variable, 'm')", "node expected"},
        {"lint.remark(it)", "table expected"},
        {"lint.remark({offset = 1, finish = 1})", "has no message"},
    };
    char body[256];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(body, sizeof body, "return {name = function(it) %s end}", rows[i][0]);
        fails(body, "local x = 1", rows[i][1]);
    }
}
END_TEST

/* ---- what may be asked ---- */

/* The value of what is returned, by hand, so that this does not hang on what data flow finds. */
static void tells_value(const char *expression, struct lint_value value, const char *expected)
{
    char body[512], line[512];
    snprintf(body, sizeof body,
             "return {['return'] = function(node) local it = node.values[1] local a, b = %s"
             " lint.report({offset = 1, finish = 1}, tostring(a) .. ' ' .. tostring(b)) end}",
             expression);
    rig_open(&rig);
    rig_rule(&rig, "r", body);
    rig_parse(&rig, "return function() end, {}");
    struct lint_node *it = rig.tree.root->a->a;
    static struct lint_shape shape;
    shape = (struct lint_shape){.made = it->next, .list = true};
    if (value.shape != NULL)
        value.shape = &shape;
    value.function = it;
    it->value = &value;
    ck_assert(rig_run(&rig));
    snprintf(line, sizeof line, "r warning 0-1 %s\n", expected);
    ck_assert_str_eq(rig.said, line);
    rig_close(&rig);
}

START_TEST(values_are_told)
{
    struct lint_value v = {.types = LINT_TYPE_NIL | LINT_TYPE_NUMBER, .origins = LINT_FROM_TIME};
    tells_value("lint.may(it, 'nil')", v, "true nil");
    tells_value("lint.may(it, 'string'), lint.may(it, 'string', 'number')", v, "false true");
    tells_value("lint.may(it, 'boolean'), lint.always(it, 'boolean')", v, "false false");
    tells_value("lint.always(it, 'nil'), lint.always(it, 'nil', 'number')", v, "false true");
    tells_value("lint.always(it, 'nil', 'number', 'table'), lint.known(it)", v, "true true");
    tells_value("lint.from(it, 'time'), lint.from(it, 'key', 'reply')", v, "true false");
    tells_value("lint.constant(it)", v, "nil false");
    v.unknown = true;
    tells_value("lint.always(it, 'nil', 'number'), lint.known(it)", v, "false false");
    tells_value("lint.may(it, 'nil')", v, "true nil");
    v = (struct lint_value){.types = LINT_TYPE_TRUE};
    tells_value("lint.may(it, 'boolean'), lint.always(it, 'boolean')", v, "true true");
    v = (struct lint_value){.element = true, .key = 3, .thing = LINT_THING_KEYS};
    tells_value("lint.element(it), lint.index(it)", v, "true 3");
    tells_value("lint.thing(it), lint.builtin(it)", v, "KEYS nil");
    v = (struct lint_value){.thing = LINT_THING_BUILTIN, .builtin = "redis.call"};
    tells_value("lint.builtin(it), lint.thing(it)", v, "redis.call builtin");
    tells_value("lint.element(it), lint.index(it)", v, "false nil");
    tells_value("lint.shape(it), lint.defined(it)", v, "nil nil");
    v = (struct lint_value){.thing = LINT_THING_FUNCTION};
    tells_value("lint.thing(it), lint.defined(it) == it", v, "function true");
    v = (struct lint_value){.thing = LINT_THING_ARGV, .shape = (void *)&v};
    tells_value("lint.thing(it), lint.shape(it).made.kind", v, "ARGV table");
    tells_value("lint.shape(it).list, lint.shape(it).whole", v, "true false");
}
END_TEST

START_TEST(constants_and_numbers_are_told)
{
    struct lint_value v = {.types = LINT_TYPE_NUMBER, .constant = true, .number = 2};
    tells_value("lint.constant(it)", v, "2 true");
    v.number = 2.5;
    tells_value("lint.constant(it)", v, "2.5 true");
    v = (struct lint_value){.types = LINT_TYPE_STRING, .constant = true, .text = {"ab", 2}};
    tells_value("lint.constant(it)", v, "ab true");
    v = (struct lint_value){.types = LINT_TYPE_NIL, .constant = true};
    tells_value("lint.constant(it)", v, "nil true");
    v.types = LINT_TYPE_FALSE;
    tells_value("lint.constant(it)", v, "false true");
    v.types = LINT_TYPE_TRUE;
    tells_value("lint.constant(it)", v, "true true");
    v = (struct lint_value){.types = LINT_TYPE_NUMBER, .whole = LINT_WHOLE};
    tells_value("lint.number(it)", v, "whole false");
    v.whole = LINT_WHOLE | LINT_FRACTION | LINT_HUGE;
    tells_value("lint.number(it)", v, "fraction true");
    v = (struct lint_value){.types = LINT_TYPE_NUMBER, .whole = LINT_WHOLE, .unknown = true};
    tells_value("lint.number(it)", v, "nil false");
    v = (struct lint_value){.reply_name = "NEWCOMMAND"};
    tells_value("lint.reply(it)", v, "NEWCOMMAND nil");
}
END_TEST

START_TEST(what_stands_around_is_told)
{
    tells("lint.text(it)", "return  f( 1 )", "f( 1 )");
    tells("lint.func(it).kind", "return 1", "chunk");
    tells("lint.func(node.parent)", "return 1", "nil");
    tells("lint.func(it.body[1]) == it", "return function() x = 1 end", "true");
    says("return {number = function(it) local all = {} for p in lint.parents(it) do"
         " all[#all + 1] = p.kind end lint.report(it, table.concat(all, ' ')) end}",
         "f(-1)", "r warning 3-4 unary call call_statement chunk\n");
    says("return {chunk = function(it) for p in lint.parents(it) do lint.report(p, 'm') end end}",
         "f()", "");
    static const char walk[] =
        "return {chunk = function(it) local all = {} lint.walk(it, function(node)"
        " all[#all + 1] = node.kind return node.kind ~= 'function' end)"
        " lint.report(it, table.concat(all, ' ')) end}";
    says(walk, "local f = function() return 1 end g(f)",
         "r warning 0-38 chunk local name function call_statement call name name\n");
    says("return {['local'] = function(it) lint.walk(it, function(node)"
         " lint.report(node, node.kind) end) end}",
         "f() local a = 1 g()",
         "r warning 4-15 local\nr warning 10-11 name\nr warning 14-15 number\n");
}
END_TEST

START_TEST(questions_are_checked)
{
    static const char *const names[] = {"may",     "always",  "known",   "from",  "constant",
                                        "thing",   "builtin", "defined", "reply", "index",
                                        "element", "number",  "shape",   "call",  "keys",
                                        "text",    "parents", "walk",    "func"};
    static const char *const arguments[] = {"", "nil", "1", "true", "'x'", "lint", "it.variable"};
    char body[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t k = 0; k < sizeof arguments / sizeof arguments[0]; k++) {
            snprintf(body, sizeof body, "return {name = function(it) lint.%s(%s) end}", names[i],
                     arguments[k]);
            fails(body, "local x", "bad argument #1 to '");
        }
    fails("return {name = function(it) lint.may(it) end}", "local x", "string expected");
    fails("return {name = function(it) lint.may(it, 1, {}) end}", "local x",
          "there is no type '1'");
    fails("return {name = function(it) lint.may(it, 'nul') end}", "local x",
          "bad argument #2 to 'may' (there is no type 'nul')");
    fails("return {name = function(it) lint.from(it, 'keys') end}", "local x",
          "there is no origin 'keys'");
    fails("return {name = function(it) lint.walk(it) end}", "local x", "function expected");
    fails("return {name = function(it) lint.info() end}", "local x", "string expected");
    fails("return {name = function(it) lint.info(it) end}", "local x", "string expected");
}
END_TEST

/* ---- commands ---- */

START_TEST(commands_are_told)
{
    static const char info[] =
        "local i = lint.info('%s') lint.report({offset = 1, finish = 0}, i and table.concat({"
        "i.name, i.arity, tostring(i.write), tostring(i.readonly), tostring(i.denyoom),"
        " tostring(i.noscript), tostring(i.blocking), tostring(i.admin), tostring(i.module),"
        " tostring(i.container), tostring(i.on['redis-7.0']), tostring(i == lint.info(i.name))},"
        " ' ') or 'nil') return {}";
    static const char *const rows[][2] = {
        {"get", "GET 2 false true false false false false false false true true"},
        {"SET", "SET -3 true false true false false false false false true true"},
        {"client kill", "CLIENT KILL -3 false false false true false true false false true true"},
        {"NONE", "nil"},
        {"GET x", "nil"},
        {"", "nil"},
        {"GET ", "nil"},
    };
    char body[1024], line[256];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(body, sizeof body, info, rows[i][0]);
        snprintf(line, sizeof line, "r warning 0-0 %s\n", rows[i][1]);
        says(body, "x = 1", line);
    }
}
END_TEST

START_TEST(calls_are_told)
{
    static const char expression[] =
        "(function() local c = lint.call(it) if not c then return 'none' end"
        " return table.concat({tostring(c.protected), tostring(c.name),"
        " tostring(c.info and c.info.name), #c.arguments, c.words, tostring(c.open),"
        " tostring(c == lint.call(it))}, ' ') end)()";
    tells(expression, "return redis.call('GET', KEYS[1])", "false GET GET 1 2 false true");
    tells(expression, "return redis.pcall('NONE')", "true NONE nil 0 1 false true");
    tells(expression, "return redis.call('SET', KEYS[1], f())", "false SET SET 2 2 true true");
    tells(expression, "return redis.call(cmd, 1)", "false nil nil 1 2 false true");
    tells(expression, "return f('GET')", "none");
    tells(expression, "return 1", "none");
}
END_TEST

START_TEST(keys_are_told)
{
    static const char expression[] =
        "(function() local keys = lint.keys(it) if not keys then return 'unknown' end"
        " local all = {} for i, key in ipairs(keys) do"
        " all[i] = lint.text(key.node) .. ' ' .. key.access end"
        " return table.concat(all, ', ') end)()";
    static const char *const rows[][2] = {
        {"'GET', a", "a read"},
        {"'SET', a, b", "a write"},
        {"'MSET', a, 1, b, 2", "a write, b write"},
        {"'PING'", ""},
        {"'GET'", "unknown"},
        {"'GET', a, b", "unknown"},
        {"'NONE', a", "unknown"},
        {"c, a", "unknown"},
        {"'HSET', a, unpack(b)", "a write"},
        {"'HSET', unpack(b)", "unknown"},
        {"'DEL', a, unpack(b)", "unknown"},
        {"'ZUNIONSTORE', d, 2, a, b", "d write, a read, b read"},
        {"'ZUNIONSTORE', d, '2', a, b, unpack(c)", "d write, a read, b read"},
        {"'ZUNIONSTORE', d, 3, a, b, unpack(c)", "unknown"},
        {"'ZUNIONSTORE', d, n, a, b", "unknown"},
        {"'XREAD', 'COUNT', n, 'STREAMS', a, b, 1, 2", "a read, b read"},
        {"'XREAD', 'COUNT', n, s, a, b, 1, 2", "unknown"},
        {"'SORT', a, 'STORE', b", "a read, b write"},
        {"'SORT', a, unpack(b)", "unknown"},
        {"'SORT', a, 'BY', b", "a read"},
    };
    char source[256];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(source, sizeof source, "return redis.call(%s)", rows[i][0]);
        tells(expression, source, rows[i][1]);
    }
    tells(expression, "return f()", "unknown");
}
END_TEST

/* ---- the source ---- */

START_TEST(the_source_is_told)
{
    static const char body[] =
        "local flags = {} for name in pairs(lint.flags or {}) do flags[#flags + 1] = name end"
        " table.sort(flags) local targets = {} for name in pairs(lint.targets) do"
        " targets[#targets + 1] = name end table.sort(targets)"
        " lint.report({offset = 1, finish = 0}, table.concat({lint.kind, tostring(lint.numkeys),"
        " tostring(lint.target), #targets, targets[1], tostring(lint.shebang),"
        " tostring(lint.flags and table.concat(flags, '+')), tostring(lint.library),"
        " #lint.source, #lint.comments}, '|')) return {}";
    rig_open(&rig);
    rig_rule(&rig, "r", body);
    rig_parse(&rig, "x = 1 -- c");
    ck_assert(rig_run(&rig));
    ck_assert_str_eq(rig.said, "r warning 0-0 eval|nil|nil|9|redis-7.0|nil|nil|nil|10|1\n");
    rig_parse(&rig, "#!lua  flags=no-writes,,allow-oom, other name=lib \nx = 1");
    rig.source.kind = LINT_SOURCE_FUNCTION;
    rig.source.numkeys_known = true;
    rig.source.numkeys = 3;
    rig.source.targets = LINT_TARGET(REDIS_7_2) | LINT_TARGET(VALKEY_8_0);
    rig.source.targeted = true;
    ck_assert(rig_run(&rig));
    ck_assert_str_eq(rig.said, "r warning 0-0 function|3|redis-7.2,valkey-8.0|2|redis-7.2|"
                               "#!lua  flags=no-writes,,allow-oom, other name=lib |"
                               "allow-oom+no-writes|lib|56|0\n");
    rig_parse(&rig, "x = 1 -- c");
    ck_assert(rig_run(&rig)); /* nothing of the one before is left */
    ck_assert_str_eq(rig.said, "r warning 0-0 eval|nil|nil|9|redis-7.0|nil|nil|nil|10|1\n");
    rig_close(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *c = tcase_create("engine");
    tcase_add_test(c, hooks_come_in_the_order_of_the_source);
    tcase_add_test(c, every_kind_is_a_hook);
    tcase_add_test(c, remarks_are_for_the_rule_of_their_name);
    tcase_add_test(c, a_broken_source_has_remarks_alone);
    tcase_add_test(c, rules_run_by_name_and_off_ones_not);
    tcase_add_test(c, wrong_hooks_are_told);
    tcase_add_test(c, nodes_have_their_fields);
    tcase_add_test(c, variables_have_their_fields);
    tcase_add_test(c, a_node_is_always_the_same_object);
    tcase_add_test(c, nothing_that_is_given_can_be_changed);
    tcase_add_test(c, globals_are_a_rules_own_fault);
    tcase_add_test(c, reports_say_where_and_how_bad);
    tcase_add_test(c, reports_are_checked);
    tcase_add_test(c, values_are_told);
    tcase_add_test(c, constants_and_numbers_are_told);
    tcase_add_test(c, what_stands_around_is_told);
    tcase_add_test(c, questions_are_checked);
    tcase_add_test(c, commands_are_told);
    tcase_add_test(c, calls_are_told);
    tcase_add_test(c, keys_are_told);
    tcase_add_test(c, the_source_is_told);
    tcase_set_timeout(c, 60);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_FORK_GETENV);
}
