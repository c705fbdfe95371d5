/* lua/: sources are cut into words as the servers' Lua 5.1 cuts them. What the rows say was asked of
 * real servers (EVAL) where it is odd. */
#include "lua/lexer.h"
#include "lua/walk.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of just its size, so that a sanitizer sees a read beyond it. */
static char *exact(const char *text, size_t n)
{
    char *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    return copy;
}

#define SOURCE(text) text, sizeof(text) - 1

/* One letter for each kind, END not. */
static void kinds(const char *source, size_t size, bool comments, char *out)
{
    static const char letters[] = "?nkdsocX";
    char *copy = exact(source, size);
    struct lua51_lexer lexer;
    struct lua51_token token;
    lua51_open(&lexer, copy, size);
    lexer.comments = comments;
    size_t behind = lexer.shebang;
    while (lua51_next(&lexer, &token)) {
        *out++ = letters[token.kind];
        ck_assert_uint_gt(token.size, 0);
        ck_assert_uint_ge(token.offset, behind);
        ck_assert_ptr_eq(token.text, copy + token.offset);
        behind = token.offset + token.size;
        ck_assert_uint_le(behind, size);
    }
    ck_assert_int_eq(token.kind, LUA51_END);
    ck_assert_uint_eq(token.offset, size);
    ck_assert(!lua51_next(&lexer, &token)); /* and stays there */
    *out = 0;
    free(copy);
}

struct row {
    const char *source;
    size_t size;
    const char *kinds; /* n name, k keyword, d number, s string, o operator, c comment, X bad */
};

static const struct row rows[] = {
    {SOURCE(""), ""},
    {SOURCE(" \t\v\f\r\n\n\r "), ""},
    {SOURCE("and break do else elseif end false for function if in"), "kkkkkkkkkkk"},
    {SOURCE("local nil not or repeat return then true until while"), "kkkkkkkkkk"},
    {SOURCE("goto And _end ends x1 _ END"), "nnnnnnn"},
    {SOURCE("+ - * / % ^ # = < > ( ) { } [ ] ; : , ."), "oooooooooooooooooooo"},
    {SOURCE("== ~= <= >= .. ..."), "oooooo"},
    {SOURCE("a.b..c...d"), "nononon"},
    {SOURCE("a-b"), "non"},
    {SOURCE("~ ! @ $ & | \\ ? `"), "XXXXXXXXX"},
    {SOURCE("a//b"), "noon"},
    {SOURCE("\x1bLuaQ"), "Xn"},
    {SOURCE("a\0b"), "nXn"},
    {SOURCE("\xc3\xa9"), "XX"},
    /* numbers */
    {SOURCE("1 12 1.5 .5 5. 1e5 1E+5 1.5e-7 08 0x1F 0XaB 0x1p4"), "dddddddddddd"},
    {SOURCE("3..2"), "X"},
    {SOURCE("1..x"), "X"},
    {SOURCE("5.."), "X"},
    {SOURCE("1.2.3"), "X"},
    {SOURCE("0x"), "X"},
    {SOURCE("0xg"), "X"},
    {SOURCE("1e"), "X"},
    {SOURCE("1e+"), "X"},
    {SOURCE("1x"), "X"},
    {SOURCE("0x1p-4"), "Xod"},
    {SOURCE("0xe+1"), "dod"},
    {SOURCE("1and 2"), "Xd"},
    {SOURCE("1 ..2"), "dod"},
    /* a NUL is in the reference lexer's own sets: of dots, of `eE`, of signs */
    {SOURCE("a.\0b ..\0 .\0."), "nonoo"},
    {SOURCE("1\0 2"), "dd"},
    {SOURCE("1\0+x 1\0\0x"), "dd"},
    {SOURCE("1\0.5 1e\0 1\0+\0"), "ddXdX"},
    /* strings */
    {SOURCE("'' \"\" 'a' \"a'b\" 'a\"b' 'a\\'b' \"\\\\\""), "sssssss"},
    {SOURCE("'\\a\\b\\f\\n\\r\\t\\v\\d\\x41\\065\\0'"), "s"},
    {SOURCE("'a\\\nb' 'a\\\r\nb'"), "ss"},
    {SOURCE("'a\0b'"), "s"},
    {SOURCE("'\\255' '\\256'"), "sX"},
    {SOURCE("'a\nb"), "Xn"},
    {SOURCE("'a"), "X"},
    {SOURCE("'a\\"), "X"},
    {SOURCE("'a\\'"), "X"},
    /* long strings */
    {SOURCE("[[]] [[a]] [=[a]]=] [==[]=]]==]"), "ssss"},
    {SOURCE("[[a\r\nb]]c"), "sn"},
    {SOURCE("[=[ [=[ ]=]"), "s"},
    {SOURCE("[[ [[ ]]"), "s"},
    {SOURCE("[[ [=[ ]]"), "s"},
    {SOURCE("[[ ]=]]"), "s"},
    {SOURCE("[=[ ]] ]==] ]=]"), "s"},
    {SOURCE("[=x"), "Xn"},
    {SOURCE("[==="), "X"},
    {SOURCE("[[a"), "X"},
    {SOURCE("[[a]"), "X"},
    {SOURCE("[=[a]]"), "X"},
    {SOURCE("t[1] t[ [[a]] ] t[[[a]]]"), "nodonosonso"},
    /* comments */
    {SOURCE("--"), "c"},
    {SOURCE("a--b\nc"), "ncn"},
    {SOURCE("a--b\rc"), "ncn"},
    {SOURCE("--[[a\nb]]c"), "cn"},
    {SOURCE("--[==[a]]]=]]==]c"), "cn"},
    {SOURCE("--[=a\nb"), "cn"},
    {SOURCE("-- [[a\nb]]"), "cnoo"},
    {SOURCE("--[[a"), "X"},
    {SOURCE("--[[ [[ ]]a"), "cn"},
    {SOURCE("--a\0b\nc"), "cn"},
    {SOURCE("---[[a\nb"), "cn"},
    /* the first line */
    {SOURCE("#!lua name=x"), ""},
    {SOURCE("#!lua name=x\na"), "n"},
    {SOURCE("#!"), ""},
    {SOURCE("#"), "o"},
    {SOURCE(" #!lua\na"), "oXnn"},
};

START_TEST(sources_are_cut_as_a_server_cuts_them)
{
    char got[64], want[64];
    kinds(rows[_i].source, rows[_i].size, true, got);
    ck_assert_msg(strcmp(got, rows[_i].kinds) == 0, "%s: %s, not %s", rows[_i].source, got,
                  rows[_i].kinds);
    /* Without the comments. */
    size_t n = 0;
    for (const char *k = rows[_i].kinds; *k; k++)
        if (*k != 'c')
            want[n++] = *k;
    want[n] = 0;
    kinds(rows[_i].source, rows[_i].size, false, got);
    ck_assert_str_eq(got, want);
}
END_TEST

static struct lua51_token nth(const char *source, int n)
{
    struct lua51_lexer lexer;
    struct lua51_token token;
    lua51_open(&lexer, source, strlen(source));
    lexer.comments = true;
    do
        (void)lua51_next(&lexer, &token);
    while (n--);
    return token;
}

START_TEST(codes_say_which)
{
    static const struct {
        const char *source;
        int code;
    } want[] = {
        {"and", LUA51_AND},
        {"elseif", LUA51_ELSEIF},
        {"end", LUA51_END_WORD},
        {"while", LUA51_WHILE},
        {"==", LUA51_EQUAL},
        {"~=", LUA51_UNEQUAL},
        {"<=", LUA51_AT_MOST},
        {">=", LUA51_AT_LEAST},
        {"..", LUA51_CONCAT},
        {"...", LUA51_DOTS},
        {"=", '='},
        {"[", '['},
        {"$", LUA51_BAD_BYTE},
        {"1e", LUA51_BAD_NUMBER},
        {"'\\999'", LUA51_BAD_ESCAPE},
        {"[=", LUA51_BAD_BRACKET},
        {"'", LUA51_UNFINISHED_STRING},
        {"[[", LUA51_UNFINISHED_LONG},
        {"--[[", LUA51_UNFINISHED_LONG},
        {"[[ [[ ]]", LUA51_NESTED},
        {"--[[ [[ ]]", LUA51_NESTED},
        {"[=[ [=[ ]=]", 0},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct lua51_token token = nth(want[i].source, 0);
        ck_assert_msg(token.code == want[i].code, "%s: %d", want[i].source, token.code);
        if (token.kind == LUA51_BAD)
            ck_assert_str_ne(lua51_fault_sentence(token.code), lua51_fault_sentence(-1));
    }
    struct lua51_token token = nth("x == while", 1);
    ck_assert(lua51_is(&token, LUA51_EQUAL) && !lua51_is(&token, '='));
    token = nth("x == while", 2);
    ck_assert(lua51_is_keyword(&token, LUA51_WHILE) && !lua51_is_keyword(&token, LUA51_AND));
    token = nth("x == while", 0);
    ck_assert(lua51_name_is(&token, "x") && !lua51_name_is(&token, "xx"));
    ck_assert(!lua51_name_is(&token, ""));
}
END_TEST

START_TEST(places_are_lines_and_columns)
{
    static const char source[] = "#!lua\r\na [[\n\r\n]] 'x\\\r\ny' b\r--[[\n]] c";
    static const struct {
        size_t offset, line, line_begin;
    } want[] = {{7, 2, 7}, {9, 2, 7}, {17, 4, 14}, {25, 5, 22}, {27, 6, 27}, {35, 7, 32}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct lua51_token token = nth(source, (int)i);
        ck_assert_uint_eq(token.offset, want[i].offset);
        ck_assert_uint_eq(token.line, want[i].line);
        ck_assert_uint_eq(token.line_begin, want[i].line_begin);
    }
    struct lua51_lexer lexer;
    lua51_open(&lexer, source, sizeof source - 1);
    ck_assert_uint_eq(lexer.shebang, 6);
}
END_TEST

struct text {
    const char *source, *text;
    size_t size;
};

static const struct text texts[] = {
    {"'err'", SOURCE("err")},
    {"\"\\101rr\"", SOURCE("err")},
    {"'\\a\\b\\f\\n\\r\\t\\v'", SOURCE("\a\b\f\n\r\t\v")},
    {"'\\x41\\d\\\\\\'\\\"'", SOURCE("x41d\\'\"")},
    {"'\\0a\\00a\\0000'", SOURCE("\0a\0a\0"
                                 "0")},
    {"'\\0651'", SOURCE("A1")},
    {"'\\255'", SOURCE("\xff")},
    {"'a\\\nb\\\r\nc\\\n\rd'", SOURCE("a\nb\nc\nd")},
    {"''", SOURCE("")},
    {"[[]]", SOURCE("")},
    {"[[\n]]", SOURCE("")},
    {"[[\r\n\r\nx]]", SOURCE("\nx")},
    {"[==[\n\r\n\rx\ry]==]", SOURCE("\nx\ny")},
    {"[[\\n]]", SOURCE("\\n")},
    {"[=[]]]=]", SOURCE("]]")},
};

START_TEST(strings_are_read_as_lua_reads_them)
{
    const struct text *t = &texts[_i];
    char out[32];
    char *copy = exact(t->source, strlen(t->source));
    struct lua51_lexer lexer;
    struct lua51_token token;
    lua51_open(&lexer, copy, strlen(t->source));
    ck_assert(lua51_next(&lexer, &token) && token.kind == LUA51_STRING);
    ck_assert_uint_eq(lua51_string_read(&token, out, sizeof out), t->size);
    ck_assert_mem_eq(out, t->text, t->size);
    for (size_t room = 0; room < t->size; room++) {
        memset(out, 'Z', sizeof out);
        ck_assert_uint_eq(lua51_string_read(&token, out, room), t->size);
        ck_assert(memcmp(out, t->text, room) == 0 && out[room] == 'Z');
    }
    bool text = strlen(t->text) == t->size;
    ck_assert(lua51_string_is(&token, t->text) == text);
    ck_assert(!lua51_string_is(&token, "another"));
    free(copy);
}
END_TEST

START_TEST(a_text_is_its_whole_string)
{
    struct lua51_token token = nth("'er\\114'", 0);
    ck_assert(lua51_string_is(&token, "err"));
    ck_assert(!lua51_string_is(&token, "er") && !lua51_string_is(&token, "errr"));
    token = nth("err", 0);
    ck_assert(!lua51_string_is(&token, "err"));
}
END_TEST

/* ---- levels --------------------------------------------------------------------------------- */

START_TEST(levels_are_brackets_and_blocks)
{
    static const struct {
        const char *source;
        enum lua51_stop stop;
        size_t deepest;
    } want[] = {
        {"", LUA51_AT_END, 0},
        {"f({[1]=2})", LUA51_AT_END, 3},
        {"if a then b() elseif c then else d() end", LUA51_AT_END, 2},
        {"for i = 1, 2 do while a do repeat local function f() end until b end end", LUA51_AT_END,
         5},
        {"x = function(a) return function() return {a} end end", LUA51_AT_END, 3},
        {"do until", LUA51_AT_END, 1}, /* no parser: who closes a block is not looked at */
        {"(", LUA51_AT_UNBALANCED, 1},
        {")", LUA51_AT_UNBALANCED, 0},
        {"({)}", LUA51_AT_UNBALANCED, 2},
        {"(end)", LUA51_AT_UNBALANCED, 1},
        {"do ) end", LUA51_AT_UNBALANCED, 1},
        {"function f() until", LUA51_AT_UNBALANCED, 2},
        {"if a then", LUA51_AT_UNBALANCED, 1},
        {"a $", LUA51_AT_BAD, 0},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct lua51_walk walk;
        size_t deepest = 0;
        lua51_walk_open(&walk, want[i].source, strlen(want[i].source));
        while (lua51_walk(&walk))
            deepest = walk.depth > deepest ? walk.depth : deepest;
        ck_assert_msg(walk.stop == want[i].stop, "%s: %d", want[i].source, walk.stop);
        ck_assert_msg(deepest == want[i].deepest, "%s: %zu", want[i].source, deepest);
        ck_assert(!lua51_walk(&walk) && walk.stop == want[i].stop);
    }
}
END_TEST

START_TEST(levels_have_a_limit)
{
    char source[2 * LUA51_DEPTH_MAX + 2];
    for (size_t n = LUA51_DEPTH_MAX; n <= LUA51_DEPTH_MAX + 1; n++) {
        struct lua51_walk walk;
        memset(source, '(', n);
        memset(source + n, ')', n);
        lua51_walk_open(&walk, source, n == LUA51_DEPTH_MAX ? 2 * n : n);
        while (lua51_walk(&walk))
            ;
        ck_assert_int_eq(walk.stop, n == LUA51_DEPTH_MAX ? LUA51_AT_END : LUA51_AT_LIMIT);
    }
}
END_TEST

START_TEST(a_walk_knows_its_neighbours)
{
    static const char source[] = "a.b[c] = --\n{d}";
    struct lua51_walk walk;
    char in[] = {0, 0, 0, '[', '[', 0, 0, '{', '{', 0};
    lua51_walk_open(&walk, source, sizeof source - 1);
    struct lua51_token last = walk.now;
    for (size_t i = 0; lua51_walk(&walk); i++) {
        ck_assert_uint_lt(i, sizeof in);
        ck_assert_int_eq(lua51_walk_in(&walk), in[i]);
        ck_assert(lua51_walk_in_statements(&walk) == !in[i]);
        ck_assert_ptr_eq(walk.before.text, last.text);
        last = walk.now;
        ck_assert(walk.after.kind == LUA51_END || walk.after.offset > last.offset);
    }
    ck_assert_uint_eq(last.offset, sizeof source - 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lua_lexer");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, sources_are_cut_as_a_server_cuts_them, 0,
                        (int)(sizeof rows / sizeof *rows));
    tcase_add_test(c, codes_say_which);
    tcase_add_test(c, places_are_lines_and_columns);
    tcase_add_loop_test(c, strings_are_read_as_lua_reads_them, 0,
                        (int)(sizeof texts / sizeof *texts));
    tcase_add_test(c, a_text_is_its_whole_string);
    tcase_add_test(c, levels_are_brackets_and_blocks);
    tcase_add_test(c, levels_have_a_limit);
    tcase_add_test(c, a_walk_knows_its_neighbours);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_FORK_GETENV);
}
