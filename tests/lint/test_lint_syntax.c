/* Whether the parser refuses a source exactly if servers do: sources written by hand, and those of a grammar, as
 * scripts and as libraries.
 *
 * VOUCH_LINT_SNIPPETS=n makes more of them, VOUCH_LINT_SEED=n others. A difference is printed with its number and as
 * small as it can be made; VOUCH_LINT_CASE=number looks at that one alone. */
#include "dice.h"
#include "lua_grammar.h"
#include "suite.h"
#include "syntax_cases.h"
#include "syntax_reduce.h"
#include "syntax_server.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SNIPPETS = 10000, LIBRARIES = 1500, AT_ONCE = 500, SHOWN_MAX = 8 };

static struct syntax_server *server;

static struct tally {
    unsigned long sources, taken, unknown, differences;
    unsigned long used[LUA_GRAMMAR_CONSTRUCTS_MAX];
} tally;

static void show(const struct syntax_source *source, unsigned long number)
{
    ts_buffer text = {0};
    if (tally.differences++ >= SHOWN_MAX)
        return;
    ts_buffer_add(&text, source->text, source->size);
    syntax_reduce(server, source->library, &text);
    printf("%s %lu: the server %s it (%s), the parser does not\n",
           source->library ? "library" : "script", number,
           source->verdict == SYNTAX_TAKEN ? "takes" : "refuses", source->message);
    (void)fwrite(ts_buffer_bytes(&text), 1, ts_buffer_length(&text), stdout);
    printf("\n----\n");
    ts_buffer_free(&text);
}

static void compare(struct syntax_source *sources, size_t count, unsigned long first)
{
    syntax_server_ask(server, sources, count);
    for (size_t i = 0; i < count; i++) {
        const struct syntax_source *s = &sources[i];
        bool unknown = s->verdict == SYNTAX_UNKNOWN;
        tally.sources++;
        tally.taken += s->verdict == SYNTAX_TAKEN;
        tally.unknown += unknown;
        ck_assert_msg(!unknown || (!s->library && memcmp(s->text, "#!", 2) == 0), "source %lu: %s",
                      first + i, s->message);
        if (syntax_differs(server, s))
            show(s, first + i);
    }
}

/* One that is borrowed, or a copy in a library. */
static struct syntax_source source_of(const char *text, size_t size, bool library, ts_buffer *copy)
{
    if (!library)
        return (struct syntax_source){.text = text, .size = size};
    ts_buffer_take(copy, ts_buffer_length(copy));
    ts_buffer_add(copy, SYNTAX_LIBRARY, sizeof SYNTAX_LIBRARY - 1);
    ts_buffer_add(copy, text, size);
    return (struct syntax_source){
        .text = ts_buffer_bytes(copy), .size = ts_buffer_length(copy), .library = true};
}

static void begin(int which)
{
    tally = (struct tally){0};
    server = syntax_server_start(which ? TS_VALKEY : TS_REDIS);
}

static void end(const char *what, int which)
{
    printf(
        "%s, %s%s: %lu sources, %lu taken, %lu refused, %lu not compiled for their first line; %lu "
        "differences\n",
        what, which ? "Valkey" : "Redis",
        syntax_server_refuses_nested(server) ? " (refuses [[ in [[ ]])" : "", tally.sources,
        tally.taken, tally.sources - tally.taken - tally.unknown, tally.unknown, tally.differences);
    syntax_server_free(server);
    ck_assert_uint_eq(tally.differences, 0);
}

/* ---- of the grammar ------------------------------------------------------------------------- */

static void compare_written(unsigned long first, size_t count, bool libraries)
{
    uint64_t seed = dice_setting("VOUCH_LINT_SEED", 1);
    struct lua_grammar *of = calloc(count, sizeof *of);
    struct syntax_source *sources = calloc(count, sizeof *sources);
    ts_buffer *copies = calloc(count, sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        lua_grammar_write(&of[i], seed, first + i);
        sources[i] = source_of(ts_buffer_bytes(&of[i].text), ts_buffer_length(&of[i].text),
                               libraries, &copies[i]);
        for (size_t k = 0; k < lua_grammar_constructs(); k++)
            tally.used[k] += of[i].used[k];
    }
    compare(sources, count, first);
    for (size_t i = 0; i < count; i++) {
        lua_grammar_free(&of[i]);
        ts_buffer_free(&copies[i]);
    }
    free(of);
    free(sources);
    free(copies);
}

static void all_constructs_occur(void)
{
    for (size_t i = 0; i < lua_grammar_constructs(); i++)
        ck_assert_msg(!lua_grammar_construct(i) || tally.used[i] > 0, "never written: %s",
                      lua_grammar_construct(i));
}

START_TEST(generated_scripts_are_judged_as_servers_judge_them)
{
    unsigned long count = dice_setting("VOUCH_LINT_SNIPPETS", SNIPPETS);
    unsigned long only = dice_setting("VOUCH_LINT_CASE", UINT64_MAX);
    begin(_i);
    if (only < UINT64_MAX) {
        compare_written(only, 1, false);
        end("one", _i);
        return;
    }
    for (unsigned long i = 0; i < count; i += AT_ONCE)
        compare_written(i, AT_ONCE, false);
    unsigned long judged = tally.sources - tally.unknown;
    end("scripts", _i);
    if (count >= SNIPPETS)
        all_constructs_occur();
    ck_assert_uint_ge(4 * tally.taken, judged);
    ck_assert_uint_ge(4 * (judged - tally.taken), judged);
}
END_TEST

START_TEST(generated_libraries_are_judged_as_servers_judge_them)
{
    begin(_i);
    for (unsigned long i = 0; i < LIBRARIES; i += AT_ONCE)
        compare_written(1000000 + i, AT_ONCE, true);
    end("libraries", _i);
}
END_TEST

/* ---- by hand -------------------------------------------------------------------------------- */

START_TEST(scripts_by_hand_are_judged_as_servers_judge_them)
{
    ts_buffer copy = {0};
    begin(_i);
    for (size_t i = 0; i < syntax_case_count; i++) {
        const struct syntax_case *c = &syntax_cases[i];
        for (int library = 0; library < 2; library++) {
            struct syntax_source source = source_of(c->text, c->size, library, &copy);
            compare(&source, 1, i);
        }
    }
    ts_buffer_free(&copy);
    ck_assert_uint_gt(syntax_case_count, 100);
    end("by hand", _i);
}
END_TEST

/* Limits of code, not of text: only a large source reaches them. */
START_TEST(giants_are_judged_as_servers_judge_them)
{
    begin(_i);
    for (size_t i = 0; i < SYNTAX_GIANTS; i++)
        for (size_t over = 0; over < 2; over++) {
            ts_buffer text = {0};
            syntax_giant(i, over, &text);
            struct syntax_source source = {.text = ts_buffer_bytes(&text),
                                           .size = ts_buffer_length(&text)};
            syntax_server_ask(server, &source, 1);
            tally.sources++;
            tally.taken += source.verdict == SYNTAX_TAKEN;
            ck_assert_msg((source.verdict == SYNTAX_REFUSED) == over, "giant %zu: %s", i,
                          source.message);
            ck_assert_msg(!syntax_differs(server, &source),
                          "giant %zu, %zu over: the parser differs", i, over);
            ts_buffer_free(&text);
        }
    end("giants", _i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint_syntax");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 36000);
    tcase_add_loop_test(c, scripts_by_hand_are_judged_as_servers_judge_them, 0, 2);
    tcase_add_loop_test(c, generated_scripts_are_judged_as_servers_judge_them, 0, 2);
    tcase_add_loop_test(c, generated_libraries_are_judged_as_servers_judge_them, 0, 2);
    tcase_add_loop_test(c, giants_are_judged_as_servers_judge_them, 0, 2);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
