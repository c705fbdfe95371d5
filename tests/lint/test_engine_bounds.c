/* Rules that go wrong: they end, are told of, and harm nobody: not the others, not the next source. And memory
 * that is short everywhere. */
#include "engine_rig.h"
#include "heap.h"
#include "suite.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MEMORY = 4 << 20, STEPS = 2000000 };

static struct rig rig;

/* A rule with this body goes wrong as `part` says, where the text of `place` stands; the rules before and behind it
 * do their work, with this source and the next one. */
static void ends(const char *body, const char *place, const char *part)
{
    static const char good[] =
        "return {number = function(node) lint.report(node, 'seen') end,"
        " finish = function() lint.report({offset = 1, finish = 0}, 'finished') end}";
    static const char source[] = "local a = 1 + 2 return a";
    rig_open_bounded(&rig, MEMORY, STEPS);
    rig_rule(&rig, "a", good);
    rig_rule(&rig, "b", body);
    rig_rule(&rig, "c", good);
    for (int round = 0; round < 3; round++) {
        char expected[128];
        rig_parse(&rig, source);
        ck_assert(rig_run(&rig));
        const char *at = strstr(source, place);
        ck_assert_ptr_nonnull(at);
        unsigned offset = place[0] ? (unsigned)(at - source) : 0;
        snprintf(expected, sizeof expected, "rule-failed error %u-%u the rule 'b' failed", offset,
                 offset + (unsigned)strlen(place));
        ck_assert_msg(strstr(rig.said, expected) != NULL, "%s\nwithout: %s", rig.said, expected);
        ck_assert_msg(strstr(rig.said, part) != NULL, "%s\nwithout: %s", rig.said, part);
        ck_assert_ptr_eq(strstr(strstr(rig.said, "rule-failed") + 1, "rule-failed"), NULL);
        int seen = 0;
        for (const char *p = rig.said; (p = strstr(p, " seen\n")) != NULL; p++)
            seen++;
        ck_assert_msg(seen == 4 && strstr(rig.said, "c warning 0-0 finished") != NULL, "%s",
                      rig.said);
    }
    rig_close(&rig);
}

START_TEST(errors_end_a_rule)
{
    ends("error('wrong')", "", "rule:b:1: wrong");
    ends("return {number = function() error('wrong') end}", "1", "rule:b:1: wrong");
    ends("return {leave_number = function() error('wrong') end}", "1", ": wrong");
    ends("return {binary = function() error('wrong', 0) end}", "+", "from here on: wrong");
    ends("return {finish = function() error('wrong') end}", "", "rule:b:1: wrong");
    ends("return {number = function(node) local x = node.left.right end}", "1",
         "attempt to index a nil value (field 'left')");
    ends("return {number = function() error({}) end}", "1", "an error that is a table");
    ends("return {number = function() error() end}", "1", "an error that is a nil");
    ends("return {number = function() error(setmetatable({}, {__tostring = function()"
         " error('more') end})) end}",
         "1", "an error that is a table");
    ends("return {number = function() error('a\\0b\\n') end}", "1", "a\\x00b\\x0a");
    ends("return {number = function() error(('x'):rep(100000)) end}", "1", "xxx");
    ends("return {number = function(node) lint.walk(node, function() error('wrong') end) end}", "1",
         ": wrong");
}
END_TEST

START_TEST(loops_end)
{
    static const char steps[] = "it took more steps than it may";
    ends("while true do end", "", steps);
    ends("return {number = function() while true do end end}", "1", steps);
    ends("return {leave_chunk = function() for i = 1, math.huge do end end}", "", steps);
    ends("return {finish = function() repeat until false end}", "", steps);
    ends("local function f() return f() end return {number = f}", "1", steps);
    ends("return {number = function() while true do pcall(error) end end}", "1", steps);
    ends("return {number = function() while true do pcall(function() while true do end end) end"
         " end}",
         "1", steps);
    ends("return {number = function() return pcall(function() while true do end end) end}", "1",
         steps);
    ends("local function again() pcall(again) while true do end end return {number = again}", "1",
         steps);
    ends("local endless = setmetatable({}, {__index = function(t, k) return t[k + 1] end})"
         " return {number = function() while true do pcall(function() return endless[1] end) end"
         " end}",
         "1", steps);
    ends("return {number = function() local x <close> = setmetatable({}, {__close = function()"
         " while true do end end}) while true do end end}",
         "1", steps);
    ends("return {number = function() table.sort({3, 2, 1, 5, 4}, function() while true do end"
         " end) end}",
         "1", steps);
    ends("return {number = function(node) while true do lint.walk(node, function() end) end end}",
         "1", steps);
    ends("return {number = function(node) string.gsub('x', 'x', function() while true do end end)"
         " end}",
         "1", steps);
}
END_TEST

START_TEST(memory_ends)
{
    static const char memory[] = "it took more memory than it may";
    ends("return {number = function() return ('x'):rep(1 << 22) end}", "1", memory);
    ends("return {number = function() local t = {} for i = 1, 1e6 do t[i] = i end end}", "1",
         memory);
    ends("return {number = function() local s = 'x' while true do s = s .. s end end}", "1",
         memory);
    ends("local t = {} return {number = function() for i = 1, 1e6 do t[i] = {} end end}", "1",
         memory);
    ends("return {number = function() local t = {} while true do pcall(function() for i = 1, 1e5"
         " do t[#t + 1] = i .. 'x' end end) end end}",
         "1", "it took more");
    ends("return {number = function() table.concat({}, ('x'):rep(1000), 1, 1e6) end}", "1",
         "invalid value");
    ends("local function f() return 1 + f() end return {number = f}", "1", "");
    ends("local function f(x) return (('x'):gsub('x', f)) end return {number = function() f() end}",
         "1", "stack overflow");
}
END_TEST

/* One that holds nearly all there is does not leave the next one without: it is ended itself. */
START_TEST(who_hoards_pays)
{
    rig_open_bounded(&rig, MEMORY, STEPS);
    rig_rule(&rig, "a",
             "local kept = {} return {number = function() for i = 1, 37 do"
             " kept[#kept + 1] = ('x'):rep(100000) end end}");
    rig_rule(&rig, "b",
             "return {number = function(node)"
             " lint.report(node, #('x'):rep(300000) .. '') end}");
    rig_parse(&rig, "x = 1");
    ck_assert(rig_run(&rig));
    ck_assert_ptr_nonnull(strstr(rig.said, "the rule 'a' failed"));
    ck_assert_ptr_nonnull(strstr(rig.said, "b warning 4-5 300000\n"));
    rig_close(&rig);
}
END_TEST

/* What C does in one instruction of Lua is paid for as well. */
START_TEST(work_of_c_is_bounded)
{
    static const char *const rows[] = {
        "while true do local s = ('x'):rep(1 << 19) end",
        "local s = ('x'):rep(1 << 19) while true do s:upper() end",
        "local t = {} for i = 1, 1e4 do t[i] = 'x' end while true do table.concat(t) end",
        "string.rep('', math.maxinteger)",
        "table.move({}, 1, math.maxinteger - 1, 2)",
        "string.find(('a'):rep(30000), ('a*'):rep(20) .. 'b')",
        "string.match(('a'):rep(30000), '.-.-.-.-b')",
        "string.gsub(('a'):rep(300000), 'a*b', '')",
        "for _ in string.gmatch(('a'):rep(300000), '.-b') do end",
        "string.find(('a'):rep(300000), ('a'):rep(100000) .. 'b', 1, true)",
        "local s = ('a'):rep(1 << 19) while true do s:find('b', 1, true) end",
        "local s = ('a'):rep(1 << 19) while true do s:find('b') end",
    };
    char body[512];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(body, sizeof body, "return {number = function() %s end}", rows[i]);
        ends(body, "1", "it took more steps than it may");
    }
    static const char own[] = "bad argument #1 to '%s' (has a length of its own making)";
    static const char *const names[] = {"insert", "remove", "sort"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char part[128];
        snprintf(part, sizeof part, own, names[i]);
        snprintf(body, sizeof body,
                 "return {number = function() table.%s(setmetatable({}, {__len = function()"
                 " return 1 << 60 end}), 1, 1) end}",
                 names[i]);
        ends(body, "1", part);
    }
}
END_TEST

START_TEST(a_rule_that_fails_while_it_is_read)
{
    static const char *const rows[][2] = {
        {"return {", "rule:r:1: unexpected symbol near <eof>"},
        {"return 5", "returns a number, not a table"},
        {"", "returns a nil, not a table"},
        {"error('wrong')", "rule:r:1: wrong"},
        {"error({})", "an error that is no string"},
        {"while true do end", "more steps"},
        {"return ('x'):rep(1 << 22)", "more memory"},
        {"return ('x'):rep(1 << 40)", "more steps"},
        {"\033Lua", "attempt to load a binary chunk"},
        {"x = 1 return {}", "writes the global 'x'"},
        {"return {}", "has no 'severity'"},
        {"return {severity = 'bad'}", "'severity' is none of"},
        {"return {severity = 1}", "'severity' is none of"},
        {"return {severity = 'info'}", "has no 'summary'"},
        {"return {severity = 'info', summary = 1}", "'summary' is a number, not a string"},
        {"return {severity = 'info', summary = ''}", "'summary' is empty"},
        {"return {severity = 'info', summary = 'a\\nb'}", "'summary' is more than one line"},
        {"return {severity = 'info', summary = 'a\\0b'}", "'summary' has a NUL"},
        {"return {severity = 'info', summary = 's'}", "has no 'why'"},
        {"return {severity = 'info', summary = 's', why = 'w'}", "has no 'bad'"},
        {"return {severity = 'info', summary = 's', why = 'w', bad = 'b'}", "has no 'good'"},
        {"return {severity = 'info', summary = 's', why = 'w', bad = 'b', good = 'g'}",
         "'check' is a nil, not a function"},
    };
    vouch_error error;
    rig_open_bounded(&rig, MEMORY, STEPS);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(engine_add(rig.engine, "r", rows[i][0], strlen(rows[i][0]), true, &error),
                         VOUCH_EINVAL);
        ck_assert_msg(strstr(error.message, rows[i][1]) != NULL, "%s: %s", rows[i][0],
                      error.message);
        ck_assert_ptr_nonnull(strstr(error.message, "the rule 'r'"));
    }
    ck_assert_uint_eq(engine_rule_count(rig.engine), 0);
    static const char *const names[] = {
        "", "A", "a_b", "a.b", "../a", "a b", "a23456789012345678901234567890123456789012345678"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_int_eq(engine_add(rig.engine, names[i], "", 0, true, &error), VOUCH_EINVAL);
    rig_rule(&rig, "r", "return {chunk = function(node) lint.report(node, 'm') end}");
    rig_parse(&rig, "x = 1");
    ck_assert(rig_run(&rig));
    ck_assert_str_eq(rig.said, "r warning 0-5 m\n");
    rig_close(&rig);
}
END_TEST

START_TEST(a_rule_takes_the_place_of_another)
{
    vouch_error error;
    char text[1024];
    rig_open(&rig);
    rig_rule(&rig, "a", "return {chunk = function(node) lint.report(node, 'old') end}");
    rig_rule(&rig, "b", "return {}");
    const vouch_lint_rule *old = engine_rule_at(rig.engine, 0);
    ck_assert(!old->own);
    rig_rule_text(text, sizeof text, "info",
                  "return {chunk = function(node) lint.report(node, 'new') end}");
    ck_assert_int_eq(engine_add(rig.engine, "a", text, strlen(text), true, &error), VOUCH_OK);
    ck_assert_uint_eq(engine_rule_count(rig.engine), 2);
    ck_assert(engine_rule_at(rig.engine, 0)->own);
    ck_assert_str_eq(old->summary, "made up"); /* still there */
    rig_parse(&rig, "x = 1");
    ck_assert(rig_run(&rig));
    ck_assert_str_eq(rig.said, "a info 0-5 new\n");
    rig_close(&rig);
}
END_TEST

START_TEST(nothing_of_a_source_is_left_for_the_next)
{
    rig_open(&rig);
    rig_rule_text(
        rig.said, RIG_ROOM, "info",
        "return {name = function(node) if kept then lint.text(kept) end kept = node end}");
    static char text[RIG_ROOM + 64];
    snprintf(text, sizeof text, "local kept %s", rig.said);
    vouch_error error;
    ck_assert_int_eq(engine_add(rig.engine, "r", text, strlen(text), true, &error), VOUCH_OK);
    rig_parse(&rig, "local x");
    ck_assert(rig_run(&rig));
    ck_assert_str_eq(rig.said, "");
    for (int i = 0; i < 2; i++) { /* another tree, and the same one again */
        if (i == 0)
            rig_parse(&rig, "local x");
        ck_assert(rig_run(&rig));
        ck_assert_ptr_nonnull(strstr(rig.said, "of a source that was looked at before"));
    }
    rig_close(&rig);
}
END_TEST

START_TEST(who_is_told_may_end_the_run)
{
    rig_open(&rig);
    rig_rule(&rig, "a",
             "return {number = function(node) lint.report(node, 'm')"
             " while true do pcall(lint.report, node, 'n') end end}");
    rig_rule(&rig, "b", "return {number = function(node) lint.report(node, 'm') end}");
    rig_parse(&rig, "x = {1, 2, 3}");
    for (rig.left = 0; rig.left < 5;) {
        uint32_t left = rig.left;
        ck_assert(!rig_run(&rig));
        rig.left = left + 1;
    }
    rig.left = 10;
    ck_assert(!rig_run(&rig));
    rig_close(&rig);
}
END_TEST

/* Trees as deep as their source is long are walked without a stack. */
START_TEST(deep_trees)
{
    enum { TERMS = 200000 };
    static char source[TERMS * 2 + 16];
    strcpy(source, "return 1");
    for (size_t i = 0; i < TERMS; i++)
        memcpy(source + 8 + 2 * i, "+1", 3);
    rig_open(&rig);
    rig_rule(&rig, "r",
             "local count, depth, deepest = 0, 0, 0 return {binary = function()"
             " count = count + 1 depth = depth + 1 deepest = math.max(depth, deepest)"
             " end, leave_binary = function() depth = depth - 1 end,"
             " leave_chunk = function(node) local seen = 0 lint.walk(node, function()"
             " seen = seen + 1 end) lint.report(node, count .. ' ' .. deepest .. ' '"
             " .. seen) end}");
    rig_parse(&rig, source);
    if (rig.tree.whole) { /* else it has a remark: too complex for a compiler */
        ck_assert(rig_run(&rig));
        ck_assert_ptr_nonnull(strstr(rig.said, "200000 200000 400003\n"));
    }
    rig_close(&rig);
}
END_TEST

/* ---- the heap ---- */

static bool count_findings(void *context, const char *rule, vouch_lint_severity severity,
                           uint32_t offset, uint32_t finish, const char *message, size_t size)
{
    (void)rule, (void)severity, (void)offset, (void)finish, (void)message, (void)size;
    ++*(int *)context;
    return true;
}

/* Makes an engine, reads a rule, runs it over a source. True: all went well; false: memory was short, and whoever had to
 * said so. */
static bool whole_life(const struct engine_source *source, const char *text)
{
    struct engine *engine;
    vouch_error error;
    int findings = 0;
    if (!engine_new(MEMORY, STEPS, &engine))
        return false;
    vouch_status status = engine_add(engine, "r", text, strlen(text), false, &error);
    bool good = status == VOUCH_OK;
    ck_assert(good || status == VOUCH_ENOMEM);
    if (good)
        good = engine_run(engine, source, count_findings, &findings);
    ck_assert(!good || findings == 4);
    engine_free(engine);
    return good;
}

START_TEST(memory_that_is_short)
{
    char text[2048];
    rig_rule_text(text, sizeof text, "info",
                  "local kept = {} return {call = function(node) kept[#kept + 1] = lint.text(node)"
                  " .. node.arguments[1].text .. #lint.comments .. lint.source end,"
                  " command = function(node, call) lint.report(node, call.name)"
                  " lint.report(node, lint.keys(node)[1].access) end,"
                  " name = function(node) if node.variable then lint.report(node,"
                  " node.variable.name) end end,"
                  " finish = function() for i = 1, 100 do kept[i] = {} end"
                  " lint.report({offset = 1, finish = 1}, 'end') end}");
    rig_open(&rig);
    rig_parse(&rig, "local a = redis.call('GET', KEYS[1]) -- why");
    heap_forget();
    heap_fail(ULONG_MAX, 0);
    ck_assert(whole_life(&rig.source, text));
    unsigned long count = heap_recover();
    ck_assert_uint_gt(count, 100);
    /* Most are engine_new's, one much like the other: of these some. */
    struct engine *engine;
    heap_fail(ULONG_MAX, 0);
    ck_assert(engine_new(MEMORY, STEPS, &engine));
    unsigned long making = heap_recover();
    engine_free(engine);
    for (unsigned long n = 0; n < count; n += n < making && n > 100 ? 13 : 1)
        for (unsigned long more = 0; more < 2; more++) {
            heap_fail(n, more ? ULONG_MAX : 0);
            bool good = whole_life(&rig.source, text);
            heap_recover();
            ck_assert_int_eq(heap_live(), 0);
            if (more)
                ck_assert(!good);
        }
    rig_close(&rig);
}
END_TEST

/* An engine that was short of memory in a run is as good as before in the next one. */
START_TEST(an_engine_survives_short_memory)
{
    rig_open(&rig);
    rig_rule(&rig, "r",
             "local kept = {} return {name = function(node) kept[#kept + 1] = node"
             " lint.report(node, lint.text(node)) end}");
    rig_parse(&rig, "local a, b, c, d = e, f, g, h");
    for (unsigned long n = 0;; n++) {
        heap_fail(n, ULONG_MAX);
        bool good = rig_run(&rig);
        heap_recover();
        if (good)
            break;
        ck_assert(rig_run(&rig));
        ck_assert_ptr_nonnull(strstr(rig.said, "r warning 28-29 h\n"));
        ck_assert_uint_lt(n, 10000);
    }
    rig_close(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine bounds");
    TCase *c = tcase_create("bounds");
    tcase_add_test(c, errors_end_a_rule);
    tcase_add_test(c, loops_end);
    tcase_add_test(c, memory_ends);
    tcase_add_test(c, who_hoards_pays);
    tcase_add_test(c, work_of_c_is_bounded);
    tcase_add_test(c, a_rule_that_fails_while_it_is_read);
    tcase_add_test(c, a_rule_takes_the_place_of_another);
    tcase_add_test(c, nothing_of_a_source_is_left_for_the_next);
    tcase_add_test(c, who_is_told_may_end_the_run);
    tcase_add_test(c, deep_trees);
    tcase_add_test(c, memory_that_is_short);
    tcase_add_test(c, an_engine_survives_short_memory);
    tcase_set_timeout(c, 120);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_FORK_GETENV);
}
