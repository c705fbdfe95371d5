/* The parser's trees, its remarks, its limits on both sides, and memory that fails. What servers think of
 * the same sources is test_lint_syntax's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "lint/tree.h"

enum { ROOM = 1 << 16 };

struct text {
    char bytes[ROOM];
    size_t size;
};

static void say(struct text *t, const char *words, size_t n)
{
    ck_assert_msg(t->size + n < ROOM, "the tree is too long for this test");
    memcpy(t->bytes + t->size, words, n);
    t->size += n;
    t->bytes[t->size] = 0;
}

static void say_text(struct text *t, const char *words)
{
    say(t, words, strlen(words));
}

static void say_node(struct text *t, const struct lint_node *node);

static void say_list(struct text *t, const struct lint_node *first, bool list)
{
    say_text(t, list ? " [" : " ");
    for (const struct lint_node *n = first; n; n = list ? n->next : NULL) {
        if (n != first)
            say_text(t, " ");
        say_node(t, n);
    }
    if (list)
        say_text(t, "]");
    else if (!first)
        say_text(t, "-");
}

static void say_leaf(struct text *t, const struct lint_node *node)
{
    char number[64];
    if (node->kind == LINT_NUMBER) {
        (void)snprintf(number, sizeof number, "%.17g", node->number);
        say_text(t, number);
    } else if (node->kind == LINT_STRING) {
        say_text(t, "'");
        say(t, node->text.text, node->text.size);
        say_text(t, "'");
    } else {
        say(t, node->text.text, node->text.size);
        if (!node->variable)
            return;
        (void)snprintf(number, sizeof number, "@%u", (unsigned)node->variable->id);
        say_text(t, number);
    }
}

static void say_node(struct text *t, const struct lint_node *node)
{
    const struct lint_node *children[] = {node->a, node->b, node->c};
    const char *const *names = lint_kind_children((enum lint_kind)node->kind);
    if (node->kind == LINT_NUMBER || node->kind == LINT_STRING || node->kind == LINT_NAME) {
        say_leaf(t, node);
        return;
    }
    say_text(t, "(");
    if (node->kind == LINT_BINARY || node->kind == LINT_UNARY)
        say_text(t, lint_operator_text((enum lint_operator)node->op));
    else
        say_text(t, lint_kind_name((enum lint_kind)node->kind));
    for (int i = 0; i < 3 && names[i]; i++)
        say_list(t, children[i], names[i][0] == '*');
    say_text(t, ")");
}

/* ---- trees ---------------------------------------------------------------------------------- */

static const struct {
    const char *source, *tree;
} trees[] = {
    {"", "(chunk [])"},
    {"#!lua flags=no-writes\nreturn 1", "(chunk [(return [1])])"},
    {"local a, b = 1, 'x' local c", "(chunk [(local [a@0 b@1] [1 'x']) (local [c@2] [])])"},
    {"local a = a return a", "(chunk [(local [a@0] [a]) (return [a@0])])"},
    {"a.b['c'], d = f(1), ...",
     "(chunk [(assign [(index (index a 'b') 'c') d] [(call f [1]) (dots)])])"},
    {"f() g 'x' h{1} i:j(2)",
     "(chunk [(call_statement (call f [])) (call_statement (call g ['x'])) "
     "(call_statement (call h [(table [(field - 1)])])) (call_statement "
     "(method i 'j' [2]))])"},
    {"return 1 + 2 * 3 ^ -4 ^ 5 .. 6 .. 7",
     "(chunk [(return [(.. (+ 1 (* 2 (^ 3 (- (^ 4 5))))) (.. 6 7))])])"},
    {"return not a == b and c or d < e",
     "(chunk [(return [(or (and (== (not a) b) c) (< d e))])])"},
    {"return #a - -b", "(chunk [(return [(- (# a) (- b))])])"},
    {"return {1, x = 2; [3] = 4, f()}", "(chunk [(return [(table [(field - 1) (field 'x' 2) "
                                        "(field 3 4) (field - (call f []))])])])"},
    {"if a then b() elseif c then else d() end",
     "(chunk [(if [(clause a [(call_statement (call b []))]) (clause c []) "
     "(clause - [(call_statement (call d []))])])])"},
    {"while a do break end", "(chunk [(while a [(break)])])"},
    {"repeat local x until x", "(chunk [(repeat [(local [x@0] [])] x@0)])"},
    {"for i = 1, 2, 3 do f(i) end return i",
     "(chunk [(for_number i@0 [1 2 3] [(call_statement (call f [i@0]))]) (return [i])])"},
    {"for k, v in pairs(t) do end", "(chunk [(for_in [k@0 v@1] [(call pairs [t])] [])])"},
    {"local function f(a, ...) return f, arg end",
     "(chunk [(local_function f@0 (function [a@1] [(return [f@0 arg@2])]))])"},
    {"function a.b:c(d) return self end", "(chunk [(function_statement (index (index a 'b') 'c') "
                                          "(function [d@1] [(return [self@0])]))])"},
    {"do local x = (f()) end x = 1",
     "(chunk [(do [(local [x@0] [(paren (call f []))])]) (assign [x] [1])])"},
    {"return [[\na\r\nb]], '\\65\\n\\q', [==[]]]==]", "(chunk [(return ['a\nb' 'A\nq' ']]'])])"},
    {"return 0xff, 0x10, 1e3, .5, 3., 0xffffffffffffffff",
     "(chunk [(return [255 16 1000 0.5 3 1.8446744073709552e+19])])"},
    {"return a // b | c ~ d & e << f, ~g",
     "(chunk [(return [(| (// a b) (~ c (& d (<< e f)))) (~ g)])])"},
    {"goto out ::out::", "(chunk [(goto) (label)])"},
    {"local goto = 1 goto = 2", "(chunk [(local [goto@0] [1]) (assign [goto@0] [2])])"},
};

static void check_links(const struct lint_node *node)
{
    const struct lint_node *children[] = {node->a, node->b, node->c};
    const char *const *names = lint_kind_children((enum lint_kind)node->kind);
    uint32_t from = node->offset;
    for (int i = 0; i < 3 && names[i]; i++)
        for (const struct lint_node *n = children[i]; n; n = names[i][0] == '*' ? n->next : NULL) {
            ck_assert_ptr_eq(n->parent, node);
            ck_assert_msg(n->offset >= from && n->finish <= node->finish,
                          "%s at %u: outside of its %s", lint_kind_name((enum lint_kind)n->kind),
                          n->offset, lint_kind_name((enum lint_kind)node->kind));
            from = n->finish;
            check_links(n);
        }
}

START_TEST(a_tree)
{
    struct arena arena = {0};
    struct lint_tree tree;
    static struct text text;
    const char *source = trees[_i].source;
    text.size = 0;
    ck_assert(lint_parse(&arena, source, strlen(source), &tree));
    ck_assert(tree.whole);
    say_node(&text, tree.root);
    ck_assert_str_eq(text.bytes, trees[_i].tree);
    check_links(tree.root);
    arena_free(&arena);
}
END_TEST

/* ---- remarks -------------------------------------------------------------------------------- */

/* "line:column rule" of each, and whether servers refuse. */
static const struct {
    const char *source, *remarks;
    bool refused;
} remarked[] = {
    {"return 7 // 2", "1:10 operator-53", true},
    {"return 1 << 2, ~3\nreturn", "1:10 operator-53 1:16 operator-53 2:1 syntax", true},
    {"goto a\n::a::", "1:1 goto-label 2:1 goto-label", true},
    {"local goto = 1 goto = 2", "1:16 goto-as-name", false},
    {"local a <const>, b <close> = 1", "1:9 attribute 1:20 attribute", true},
    {"return '\\x41\\d', \"\\z\", '\\u{41}', '\\u'", "1:9 escape-51 1:19 escape-51 1:25 escape-51",
     false},
    {"return '\\\\x41', [[\\x41]]", "", false},
    {";f();;", "1:1 empty-statement 1:6 empty-statement", true},
    {"while 1 do break f() end", "1:18 break-not-last", true},
    {"while 1 do break; end", "", false},
    {"f\n(1)", "2:1 call-on-new-line", true},
    {"f(\n1)", "", false},
    {"return {f\n(1)}", "", false}, /* the compiler has read ahead to the bracket */
    {"return {f\n\n.g\n(1)}", "4:1 call-on-new-line", true},
    {"f'a\\\nb'(1)", "", false},
    {"return [[ [[ ]], 1 --[[ [[ ]]", "1:8 nested-bracket 1:20 nested-bracket", false},
    {"return [=[ [[ ]=]", "", false},
    {"return", "", false},
    {"return return", "1:8 syntax", true},
    {"break", "1:1 syntax", true},
    {"local function f() while 1 do local g = function() break end end end", "1:52 syntax", true},
    {"local function f() return ... end", "1:27 syntax", true},
    {"return ...", "", false},
    {"a != b", "1:3 syntax", true},
    {"a.b", "1:4 syntax", true},
    {"(a) = 1", "1:5 syntax", true},
    {"a.b:c = 1", "1:7 syntax", true},
    {"if a then", "1:10 syntax", true},
    {"end", "1:1 syntax", true},
    {"x = 'a", "1:5 syntax", true},
    {"x = 3x", "1:5 syntax", true},
    {"for a.b = 1, 2 do end", "1:6 syntax", true},
    {"local a.b", "1:8 syntax", true},
    {"f(a,)", "1:5 syntax", true},
    {"function f(a,) end", "1:14 syntax", true},
    {"x = }", "1:5 syntax", true},
    {"a, f() = 1", "1:8 syntax", true},
};

START_TEST(a_remark)
{
    struct arena arena = {0};
    struct lint_tree tree;
    char all[512] = "";
    size_t used = 0;
    const char *source = remarked[_i].source;
    ck_assert(lint_parse(&arena, source, strlen(source), &tree));
    for (const struct lint_remark *r = tree.remarks; r; r = r->next) {
        int n = snprintf(all + used, sizeof all - used, "%s%u:%u %s", used ? " " : "", r->line,
                         r->column, lint_remark_rule(r->kind));
        ck_assert(n > 0 && (size_t)n < sizeof all - used);
        used += (size_t)n;
        ck_assert_uint_gt(strlen(r->message), 8);
    }
    ck_assert_msg(strcmp(all, remarked[_i].remarks) == 0, "%s\nis: %s\nnot: %s", source, all,
                  remarked[_i].remarks);
    ck_assert_int_eq(tree.refused, remarked[_i].refused);
    arena_free(&arena);
}
END_TEST

START_TEST(a_message_says_what_is_open)
{
    struct arena arena = {0};
    struct lint_tree tree;
    static const char source[] = "local x = 1\nif x then\n  f()\n";
    ck_assert(lint_parse(&arena, source, sizeof source - 1, &tree));
    ck_assert_str_eq(tree.remarks->message,
                     "the end of the source where `end` is missing, which closes `if` of line 2");
    ck_assert(!tree.whole);
    arena_free(&arena);
}
END_TEST

START_TEST(comments_and_positions)
{
    struct arena arena = {0};
    struct lint_tree tree;
    static const char source[] = "-- a\r\nlocal x --[[ b\n]] = 1 -- c\n\r  -- d";
    uint32_t line, column;
    ck_assert(lint_parse(&arena, source, sizeof source - 1, &tree));
    ck_assert_uint_eq(tree.lines, 4);
    const struct lint_comment *c = tree.comments;
    static const struct {
        uint32_t line, column;
        bool alone;
    } wanted[] = {{1, 1, true}, {2, 9, false}, {3, 8, false}, {4, 3, true}};
    for (size_t i = 0; i < 4; i++, c = c->next) {
        ck_assert_uint_eq(c->line, wanted[i].line);
        ck_assert_uint_eq(c->column, wanted[i].column);
        ck_assert_int_eq(c->alone, wanted[i].alone);
        lint_position(&tree, c->offset, &line, &column);
        ck_assert_uint_eq(line, c->line);
        ck_assert_uint_eq(column, c->column);
    }
    ck_assert_ptr_null(c);
    arena_free(&arena);
}
END_TEST

START_TEST(variables_are_counted)
{
    struct arena arena = {0};
    struct lint_tree tree;
    static const char source[] = "local a = 1 a = a + 1 function a() return a end return a";
    ck_assert(lint_parse(&arena, source, sizeof source - 1, &tree));
    const struct lint_variable *v = tree.root->a->a->variable;
    ck_assert_uint_eq(v->reads, 3);
    ck_assert_uint_eq(v->writes, 2);
    ck_assert(v->captured && !v->parameter && !v->loop);
    ck_assert_ptr_eq(v->declared, tree.root->a->a);
    ck_assert_ptr_eq(v->function, tree.root);
    arena_free(&arena);
}
END_TEST

/* ---- limits --------------------------------------------------------------------------------- */

static char *repeat(const char *before, const char *part, int count, const char *between,
                    const char *after)
{
    size_t room =
        strlen(before) + strlen(after) + 1 + (size_t)count * (strlen(part) + strlen(between) + 12);
    char *text = malloc(room), *at = text;
    ck_assert_ptr_nonnull(text);
    at += sprintf(at, "%s", before);
    for (int i = 0; i < count; i++) {
        at += sprintf(at, "%s", i ? between : "");
        at += sprintf(at, part, i);
    }
    (void)sprintf(at, "%s", after);
    return text;
}

static const struct {
    const char *before, *part, *between, *after;
    int most;
} limits[] = {
    {"local ", "v%d", ", ", "", 200},
    {"", "local v%d", " ", " for i = 1, 2 do end", 196},
    {"", "local v%d", " ", " for a, b in f do end", 195},
    {"return function(", "p%d", ", ", ") end", 200},
    {"return function(", "p%d", ", ", ", ...) end", 199},
    {"return f(", "%d", ", ", ")", 248},
    {"return ", "%d", ", ", "", 249},
    {"return a:b(", "%d", ", ", ")", 247},
};

static bool is_limited(const char *source)
{
    struct arena arena = {0};
    struct lint_tree tree;
    ck_assert(lint_parse(&arena, source, strlen(source), &tree));
    bool limited = false;
    for (const struct lint_remark *r = tree.remarks; r; r = r->next)
        limited = limited || r->kind == LINT_REMARK_LIMIT;
    ck_assert(limited == tree.refused);
    arena_free(&arena);
    return limited;
}

START_TEST(a_limit)
{
    for (int more = 0; more < 2; more++) {
        char *source = repeat(limits[_i].before, limits[_i].part, limits[_i].most + more,
                              limits[_i].between, limits[_i].after);
        ck_assert_msg(is_limited(source) == (more == 1), "%s%s…: %d", limits[_i].before,
                      limits[_i].part, limits[_i].most + more);
        free(source);
    }
}
END_TEST

START_TEST(levels)
{
    static const struct {
        const char *open, *inner, *close;
        int most;
    } all[] = {
        {"(", "1", ")", 198},   {"{", "1", "}", 198},  {"- ", "1", "", 198},
        {"not ", "1", "", 198}, {"f[", "1", "]", 198}, {"1 .. ", "1", "", 198},
        {"2 ^ ", "1", "", 198},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (int more = 0; more < 2; more++) {
            char *opened = repeat("return ", all[i].open, all[i].most + more, "", all[i].inner);
            char *source = repeat(opened, all[i].close, all[i].most + more, "", "");
            ck_assert_msg(is_limited(source) == (more == 1), "%s: %d", all[i].open,
                          all[i].most + more);
            free(opened);
            free(source);
        }
}
END_TEST

START_TEST(blocks_and_upvalues)
{
    for (int more = 0; more < 2; more++) {
        char *opened = repeat("", "do ", 199 + more, "", "");
        char *source = repeat(opened, "end ", 199 + more, "", "");
        ck_assert_int_eq(is_limited(source), more == 1);
        free(opened);
        free(source);
        char *names = repeat("local ", "v%d", 100, ", ", " return function() return {");
        source = repeat(names, "v%d", 60 + more, ", ", "} end");
        ck_assert_int_eq(is_limited(source), more == 1);
        free(names);
        free(source);
    }
}
END_TEST

/* ---- memory --------------------------------------------------------------------------------- */

START_TEST(memory_fails)
{
    static const char source[] = "local function f(a, ...) local b = {a, x = 'y\\n'} return b end\n"
                                 "for i = 1, 2 do f(i // 2) end -- c\nreturn f[[z]].q .. 'w'";
    for (unsigned long n = 0;; n++) {
        struct arena arena = {0};
        struct lint_tree tree;
        char *big = repeat(source, " .. f(%d, 'x\\n', {a = b})", 190, "", "");
        heap_forget();
        heap_fail(n, 1000000);
        bool done = lint_parse(&arena, big, strlen(big), &tree);
        unsigned long asked = heap_recover();
        arena_free(&arena);
        free(big);
        ck_assert_int_eq(heap_live(), 0);
        if (asked <= n) {
            ck_assert(done);
            break;
        }
        ck_assert(!done);
    }
}
END_TEST

START_TEST(the_longest_source)
{
    struct arena arena = {0};
    struct lint_tree tree;
    char *source = malloc(LINT_SOURCE_MAX + 1);
    ck_assert_ptr_nonnull(source);
    memset(source, ' ', LINT_SOURCE_MAX + 1);
    ck_assert(lint_parse(&arena, source, LINT_SOURCE_MAX, &tree));
    ck_assert(!lint_parse(&arena, source, LINT_SOURCE_MAX + 1, &tree));
    free(source);
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint_parse");
    TCase *t = tcase_create("parse");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_tree, 0, sizeof trees / sizeof trees[0]);
    tcase_add_loop_test(t, a_remark, 0, sizeof remarked / sizeof remarked[0]);
    tcase_add_test(t, a_message_says_what_is_open);
    tcase_add_test(t, comments_and_positions);
    tcase_add_test(t, variables_are_counted);
    tcase_add_loop_test(t, a_limit, 0, sizeof limits / sizeof limits[0]);
    tcase_add_test(t, levels);
    tcase_add_test(t, blocks_and_upvalues);
    tcase_add_test(t, memory_fails);
    tcase_add_test(t, the_longest_source);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
