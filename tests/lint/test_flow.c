/* Data flow: what expressions may hold (flow_cases.inc), what a redis.call calls, and that neither odd trees nor
 * memory that fails, nor a source made to be slow, do any harm. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "command/table.h"
#include "flow_show.h"
#include "heap.h"

enum { ROOM = 1 << 14 };

static const struct {
    const char *source, *expected;
} cases[] = {
#include "flow_cases.inc"
};

START_TEST(a_value)
{
    char seen[ROOM];
    const char *source = cases[_i].source;
    bool library = source[0] == '@';
    ck_assert_msg(flow_see(source + library, library ? LINT_SOURCE_FUNCTION : LINT_SOURCE_EVAL,
                           true, seen, sizeof seen),
                  "no values: %s", source);
    ck_assert_msg(strcmp(seen, cases[_i].expected) == 0, "%s\n  gives    %s\n  expected %s", source,
                  seen, cases[_i].expected);
}
END_TEST

/* "NAME words", then open, protected, unknown where they hold; "-": not constant. */
static const struct {
    const char *source, *expected;
} calls[] = {
    {"redis.call('get', 'k')", "GET 2"},
    {"redis.pcall('HSET', 'k', 'f', 1)", "HSET 4 protected"},
    {"server.call('GET', 'k')", "GET 2"},
    {"local call = redis.call call('GET', 'k')", "GET 2"},
    {"local r = redis r.pcall('GET', 'k')", "GET 2 protected"},
    {"_G.redis.call('GET', 'k')", "GET 2"},
    {"_G['redis']['call']('GET', 'k')", "GET 2"},
    {"redis.call('G' .. 'ET', 'k')", "GET 2"},
    {"redis.call(ARGV[1], 'k')", "- 2"},
    {"if ARGV[1] == 'INCR' then redis.call(ARGV[1], 'k') end", "INCR 2"},
    {"redis.call('object', 'Encoding', 'k')", "OBJECT ENCODING 3"},
    {"redis.call('OBJECT', ARGV[1], 'k')", "OBJECT 3"},
    {"redis.call('OBJECT', 'NOSUCH', 'k')", "OBJECT NOSUCH 3 unknown"},
    {"redis.call('NOSUCH', 'k')", "NOSUCH 2 unknown"},
    {"redis.call('JSON.GET', 'k')", "JSON.GET 2 unknown"},
    {"redis.call('DEL', unpack(KEYS))", "DEL 1 open"},
    {"redis.call('DEL', unpack(KEYS), 'k')", "DEL 3"},
    {"redis.call('DEL', (unpack(KEYS)))", "DEL 2"},
    {"redis.call('DEL', ...)", "DEL 1 open"},
    {"redis.call('DEL', f())", "DEL 1 open"},
    {"redis.call('DEL', tostring(5))", "DEL 2"},
    {"redis.call('DEL', redis.call('GET', 'k'))", "DEL 2; GET 2"},
    {"local function f() return 'k' end redis.call('DEL', f())", "DEL 2"},
    {"local function f() return 'k', 'j' end redis.call('DEL', f())", "DEL 1 open"},
    {"local function f() if ARGV[1] then return 'k' end end redis.call('DEL', f())", "DEL 1 open"},
    {"redis.call('SET', 'k', ('x'):rep(3))", "SET 3"},
    {"redis.call('SET', 'k', cjson.encode({}))", "SET 3"},
    {"redis.call()", "- 0"},
    {"redis.call(unpack(ARGV))", "- 0 open"},
    {"print('GET', 'k')", ""},
    {"local redis = {call = print} redis.call('GET', 'k')", ""},
    {"redis.sha1hex('x')", ""},
};

static void say_calls(struct arena *arena, const struct lint_node *node, char *out)
{
    for (; node; node = node->next) {
        struct lint_call call = {.is_call = false};
        if (node->kind == LINT_CALL)
            ck_assert(lint_call_of(arena, node, &call));
        if (call.is_call) {
            size_t size = strlen(out);
            (void)snprintf(out + size, ROOM - size, "%s%s %zu%s%s%s", size ? "; " : "",
                           call.name ? call.name : "-", call.words, call.open ? " open" : "",
                           call.protected ? " protected" : "",
                           call.name && !call.command ? " unknown" : "");
        }
        say_calls(arena, node->a, out);
        say_calls(arena, node->b, out);
        say_calls(arena, node->c, out);
    }
}

START_TEST(a_call)
{
    struct arena arena = {0};
    struct lint_tree tree;
    char said[ROOM] = "";
    const char *source = calls[_i].source;
    ck_assert(lint_parse(&arena, source, strlen(source), &tree) && tree.whole);
    ck_assert(lint_flow(&arena, &tree, LINT_SOURCE_EVAL));
    say_calls(&arena, tree.root, said);
    ck_assert_msg(strcmp(said, calls[_i].expected) == 0, "%s\n  gives    %s\n  expected %s", source,
                  said, calls[_i].expected);
    arena_free(&arena);
}
END_TEST

static const char everything[] =
    "local n, t = 0, {a = 1, 'x', [ARGV[1]] = 2}\n"
    "local function f(a, ...) if a then return a .. 'x', ... end n = n + 1 return f(n) end\n"
    "for i = 1, #KEYS do while n < 5 do if f(KEYS[i]) == 'y' then break end n = n + 1 end end\n"
    "for k, v in pairs(t) do t[k] = v or redis.call('GET', k) end\n"
    "t.b = function() return t.a end repeat local x = f(t.b()) until x\n"
    "see(n) see(t.b) see(redis.pcall('NOSUCH', 'a' .. 'b'))";

START_TEST(memory_fails)
{
    for (unsigned long n = 0;; n++) {
        struct arena arena = {0};
        struct lint_tree tree;
        ck_assert(lint_parse(&arena, everything, sizeof everything - 1, &tree) && tree.whole);
        heap_forget();
        heap_fail(n, 1000000);
        bool good = lint_flow(&arena, &tree, LINT_SOURCE_EVAL);
        bool failed = heap_recover() > n;
        ck_assert_msg(good == !failed, "with allocation %lu failing: %d", n, good);
        arena_free(&arena);
        ck_assert_msg(heap_live() <= 0, "with allocation %lu failing something is left", n);
        if (!failed)
            return;
    }
}
END_TEST

/* `count` times the same, between two others. */
struct slow {
    const char *name, *before, *each, *after;
    size_t count;
};

static const struct slow slow_ones[] = {
    {"operators", "local x = 1 local y = x", " + x", "", 250000},
    {"or", "local x local y = x", " or x", "", 200000},
    {"and", "local x local y = x", " and x", "", 180000},
    {"concatenation", "local y = 'a'", " y = y .. 'b'", "", 70000},
    {"elseif", "local x = ARGV[1] if x == 'a' then x = 0",
     " elseif x == 'b' then x = 1 elseif type(x) == 'c' then x = x .. 'd'", " end", 15000},
    {"ifs", "local a, b, c = 1, 2, 3",
     " if ARGV[1] then a = b elseif KEYS[2] then b = c else c = a end", "", 15000},
    {"loops in one another", "local a, b, c, d = 1, 2, 3, 4",
     " while a do a, b, c, d = b, c, d, a + 1", "", 190},
    {"loops after one another", "local a, b, c, d = 1, 2, 3, 4",
     " while a do a, b, c, d = b, c, d, a + 1 while b do b = c end end", "", 15000},
    {"calls", "local f = print local y = f", "()", "", 400000},
    {"indices", "local t = {} local y = t", ".a", "", 400000},
    {"methods", "local t = {} local y = t", ":a()", "", 200000},
    {"functions", "local f = {}", " f[1] = function(a) return a + 1 end", "", 25000},
    {"fields", "local t = {", "a = 1, ", "}", 120000},
    {"keys", "local t = {}", " t['a' .. #t] = {b = t}", "", 45000},
    {"locals", "", "do local x = 1 if x then x = 2 end end ", "", 25000},
    {"returns", "local function f(x) ", "if x == 1 then return x end ", "end f(1)", 35000},
    {"closures", "local n = 1", " do local function f() n = n .. 'x' return n end n = f() end", "",
     15000},
};

START_TEST(a_slow_source)
{
    const struct slow *slow = &slow_ones[_i];
    size_t each = strlen(slow->each), before = strlen(slow->before);
    size_t size = before + each * slow->count + strlen(slow->after);
    bool loops = strstr(slow->name, "in one another");
    char *source = malloc(size + (loops ? 4 * slow->count : 0) + 1);
    ck_assert_ptr_nonnull(source);
    memcpy(source, slow->before, before);
    for (size_t i = 0; i < slow->count; i++)
        memcpy(source + before + i * each, slow->each, each);
    memcpy(source + before + each * slow->count, slow->after, strlen(slow->after));
    for (size_t i = 0; loops && i < slow->count; i++, size += 4)
        memcpy(source + size, " end", 4);
    struct arena arena = {0};
    struct lint_tree tree;
    ck_assert(lint_parse(&arena, source, size, &tree));
    ck_assert_msg(tree.whole, "%s: %s", slow->name, tree.remarks ? tree.remarks->message : "?");
    clock_t begin = clock();
    ck_assert(lint_flow(&arena, &tree, LINT_SOURCE_EVAL));
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    /* a tenth of that is usual; what is not linear takes minutes */
    ck_assert_msg(seconds < 5, "%s: %.1f s", slow->name, seconds);
    arena_free(&arena);
    free(source);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint_flow");
    TCase *t = tcase_create("flow");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_value, 0, sizeof cases / sizeof cases[0]);
    tcase_add_loop_test(t, a_call, 0, sizeof calls / sizeof calls[0]);
    tcase_add_test(t, memory_fails);
    tcase_add_loop_test(t, a_slow_source, 0, sizeof slow_ones / sizeof slow_ones[0]);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
