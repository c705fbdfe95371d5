/* What is read off libraries' sources against what servers make of them: the table of the unit test with its
 * names as locals of several values, and sources that a grammar writes.
 *
 * VOUCH_LIBRARY_SOURCES=n writes more of them, VOUCH_LIBRARY_SEED=n others; a difference is printed with its
 * number, and VOUCH_LIBRARY_CASE=number looks at that one alone. */
#include "clock.h"
#include "dice.h"
#include "libraries.h"
#include "library_grammar.h"
#include "script/library_source.h"
#include "suite.h"
#include "truth.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES     20000
#define AT_ONCE     64 /* sources in one write */
#define SHOWN_MAX   10 /* differences in full */
#define PATIENCE_MS 20000

static ts_server *server;
static ts_conn *conn;

static struct tally {
    unsigned long sources, loaded, complete, certain, no_writes, refused, limits, differences;
} tally;

/* ---- what a server has ---------------------------------------------------------------------- */

static const ts_reply *field(const ts_reply *map, const char *name)
{
    for (size_t i = 0; i + 1 < map->count; i += 2)
        if (strcmp(map->elements[i]->text, name) == 0)
            return map->elements[i + 1];
    ck_abort_msg("FUNCTION LIST answers without %s", name);
}

static bool is_text(const ts_reply *reply, const char *text, size_t size)
{
    return reply->length == size && memcmp(reply->text, text, size) == 0;
}

static const ts_reply *function_of(const ts_reply *library, const char *name, size_t size)
{
    const ts_reply *functions = field(library, "functions");
    for (size_t i = 0; i < functions->count; i++)
        if (is_text(field(functions->elements[i], "name"), name, size))
            return functions->elements[i];
    return NULL;
}

static bool has_flag(const ts_reply *function, const char *flag)
{
    const ts_reply *flags = field(function, "flags");
    for (size_t i = 0; i < flags->count; i++)
        if (is_text(flags->elements[i], flag, strlen(flag)))
            return true;
    return false;
}

/* ---- what is claimed ------------------------------------------------------------------------ */

/* Of a library that the server has loaded. NULL, or what is wrong. */
static const char *compare_functions(const struct library_source *read, const ts_reply *library)
{
    size_t there = 0;
    for (size_t i = 0; i < read->count; i++) {
        const struct library_function *f = &read->functions[i];
        const ts_reply *function = function_of(library, f->name, f->size);
        tally.certain += f->certain;
        there += function != NULL;
        if (f->certain && !function)
            return "a function that is certain is not there";
        if (!function || !f->no_writes)
            continue;
        tally.no_writes++;
        if (!has_flag(function, "no-writes"))
            return "a function that is no-writes is not";
    }
    if (read->complete && (there != read->count || there != field(library, "functions")->count))
        return "the list is complete, and another";
    return NULL;
}

/* `load` and `list`: the server's answers, before which it had no library. */
static const char *compare(const char *source, size_t size, const ts_reply *load,
                           const ts_reply *list)
{
    struct library_source read;
    vouch_error e;
    const char *wrong = NULL;
    bool loaded = load->type == TS_REPLY_TEXT;
    vouch_status status = library_source_read(&read, source, size, &e);
    if (list->type != TS_REPLY_ARRAY || list->count != loaded)
        ck_abort_msg("FUNCTION LIST: %zu libraries, after %s\n%s", list->count, load->text, source);
    tally.sources++;
    tally.loaded += loaded;
    if (status == VOUCH_ELIMIT) {
        tally.limits++;
    } else if (status) {
        tally.refused++;
        ck_assert_int_eq(status, VOUCH_EINVAL);
        wrong = loaded ? e.message : NULL;
    } else if (loaded) {
        const ts_reply *library = list->elements[0];
        tally.complete += read.complete;
        wrong = compare_functions(&read, library);
        if (!is_text(field(library, "library_name"), read.name, read.name_size))
            wrong = "its name is another";
    }
    static char words[VOUCH_MESSAGE_MAX];
    (void)snprintf(words, sizeof words, "%s", wrong ? wrong : "");
    library_source_free(&read);
    return wrong ? words : NULL;
}

/* ---- sources, many at once ------------------------------------------------------------------ */

struct bundle {
    size_t count;
    struct {
        char *source;
        size_t size;
        unsigned long number;
    } of[AT_ONCE];
};

static void send_words(const char *const *words, const size_t *sizes, size_t count)
{
    size_t size = 0;
    char *bytes = ts_encode_words(count, words, sizes, &size);
    ck_assert(ts_conn_send(conn, bytes, size, ts_deadline(PATIENCE_MS)));
    free(bytes);
}

static ts_reply *answer(const struct bundle *b, size_t i)
{
    ts_reply *reply = ts_conn_read(conn, ts_deadline(PATIENCE_MS));
    ck_assert_msg(reply->type != TS_REPLY_LOST, "the server is gone (%s), at source %lu:\n%s",
                  reply->text, b->of[i].number, b->of[i].source);
    return reply;
}

static void look_at(struct bundle *b)
{
    static const char *const flush[] = {"FUNCTION", "FLUSH", "SYNC"};
    static const char *const list[] = {"FUNCTION", "LIST"};
    for (size_t i = 0; i < b->count; i++) {
        const char *load[] = {"FUNCTION", "LOAD", "REPLACE", b->of[i].source};
        const size_t sizes[] = {8, 4, 7, b->of[i].size};
        send_words(flush, NULL, 3);
        send_words(load, sizes, 4);
        send_words(list, NULL, 2);
    }
    for (size_t i = 0; i < b->count; i++) {
        ts_reply *flushed = answer(b, i), *loaded = answer(b, i), *listed = answer(b, i);
        ck_assert_int_eq(flushed->type, TS_REPLY_STATUS);
        const char *wrong = compare(b->of[i].source, b->of[i].size, loaded, listed);
        if (wrong && tally.differences++ < SHOWN_MAX)
            printf("source %lu: %s\n%s\n----\n", b->of[i].number, wrong, b->of[i].source);
        ts_reply_free(flushed);
        ts_reply_free(loaded);
        ts_reply_free(listed);
        free(b->of[i].source);
    }
    b->count = 0;
}

/* Copies it; of just its size, so that a sanitizer sees a read beyond it, but for the NUL to print it. */
static void ask(struct bundle *b, unsigned long number, const char *source, size_t size)
{
    char *copy = malloc(size + 1);
    memcpy(copy, source, size);
    copy[size] = 0;
    b->of[b->count].source = copy;
    b->of[b->count].size = size;
    b->of[b->count++].number = number;
    if (b->count == AT_ONCE)
        look_at(b);
}

static void begin(int which)
{
    ts_server_options options = {.kind = which ? TS_VALKEY : TS_REDIS};
    tally = (struct tally){0};
    server = ts_server_start(&options);
    ck_assert_ptr_nonnull(server);
    conn = ts_truth_open(server);
    ck_assert_ptr_nonnull(conn);
}

static void end(const char *what, int which)
{
    printf("%s, %s: %lu sources, %lu loaded, of which %lu complete, %lu functions certain, %lu "
           "no-writes; %lu refused, %lu beyond a limit; %lu differences\n",
           what, which ? "Valkey" : "Redis", tally.sources, tally.loaded, tally.complete,
           tally.certain, tally.no_writes, tally.refused, tally.limits, tally.differences);
    ts_conn_close(conn);
    ts_server_free(server);
    ck_assert_uint_eq(tally.differences, 0);
}

/* ---- tests ---------------------------------------------------------------------------------- */

/* Quotes in a first line servers take apart, and vouch refuses. */
static bool is_stricter(const struct libraries_line *line)
{
    return line->message && strstr(line->message, "without quotes");
}

START_TEST(first_lines_are_read_as_servers_read_them)
{
    static const char code[] = "local f = function() end redis.register_function('f', f)";
    struct bundle b = {0};
    char source[200];
    unsigned long accepted = 0;
    begin(_i);
    for (size_t i = 0; i < libraries_line_count; i++) {
        const struct libraries_line *l = &libraries_lines[i];
        bool ended = l->size && l->text[l->size - 1] == '\n';
        memcpy(source, l->text, l->size);
        memcpy(source + l->size, code, sizeof code);
        if (!is_stricter(l))
            ask(&b, i, source, l->size + (ended ? sizeof code - 1 : 0));
        accepted += l->name != NULL;
    }
    look_at(&b);
    end("first lines", _i);
    ck_assert_uint_eq(tally.loaded, accepted);
    ck_assert_uint_eq(tally.refused, tally.sources - accepted);
}
END_TEST

/* With redis.log Valkey 9.1 ends itself while it loads a library (seen: 9.1.2). */
static bool is_deadly(const struct libraries_code *code)
{
    return strstr(code->text, "redis.log(") != NULL;
}

START_TEST(functions_of_the_table_are_those_of_servers)
{
    struct bundle b = {0};
    char source[2000];
    begin(_i);
    for (size_t i = 0; i < libraries_code_count; i++)
        for (uint64_t sort = 0; sort < LIBRARY_GRAMMAR_LOCALS && !is_deadly(&libraries_codes[i]);
             sort++) {
            int size = snprintf(source, sizeof source, "#!lua name=l\n%s%s",
                                library_grammar_locals(sort), libraries_codes[i].text);
            ask(&b, i, source, (size_t)size);
        }
    look_at(&b);
    end("table", _i);
    ck_assert_uint_gt(tally.loaded, tally.sources / 3);
}
END_TEST

START_TEST(functions_of_any_source_are_those_of_servers)
{
    struct bundle b = {0};
    static char source[LIBRARY_GRAMMAR_MAX];
    uint64_t seed = dice_setting("VOUCH_LIBRARY_SEED", 1);
    uint64_t count = dice_setting("VOUCH_LIBRARY_SOURCES", SOURCES);
    uint64_t only = dice_setting("VOUCH_LIBRARY_CASE", UINT64_MAX);
    begin(_i);
    for (uint64_t i = only < UINT64_MAX ? only : 0; i <= only && i < count; i++)
        ask(&b, i, source, library_grammar_write(source, seed, i));
    look_at(&b);
    end("written", _i);
    if (only == UINT64_MAX) {
        ck_assert_uint_gt(tally.loaded, tally.sources / 4);
        ck_assert_uint_gt(tally.complete, tally.sources / 20);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("library_read");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 3600);
    tcase_add_loop_test(c, first_lines_are_read_as_servers_read_them, 0, 2);
    tcase_add_loop_test(c, functions_of_the_table_are_those_of_servers, 0, 2);
    tcase_add_loop_test(c, functions_of_any_source_are_those_of_servers, 0, 2);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
