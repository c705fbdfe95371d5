/* What data flow takes for the answers of commands is what scripts get on servers: each type that is seen was
 * foretold, and each that was foretold is seen. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "command/table.h"
#include "flow_show.h"
#include "lint/value.h"
#include "suite.h"
#include "truth.h"

static const char *const rows[] = {
#include "lint_replies.inc"
};

enum { ROOM = 8192, CALL_ROOM = 512 };

/* Types of a reply and of its first three elements, or `ok` of a status. */
enum { PLACES = 5 };
struct types {
    unsigned of[PLACES];
    bool unknown[PLACES];
};

/* The keys, made anew for each call, and what tells of the answer: one character for each place. */
static const char before[] =
    "redis.call('FLUSHALL')\n"
    "redis.call('SET', 's', 'text') redis.call('SET', 'n', '7') redis.call('HSET', 'h', 'f', 'v', "
    "'n', 1)\n"
    "redis.call('RPUSH', 'l', 'a', 'b') redis.call('SADD', 'e', 'a', 'b')\n"
    "redis.call('ZADD', 'z', 1, 'a', 2, 'b') redis.call('PFADD', 'hll', 'a')\n"
    "redis.call('GEOADD', 'geo', 1, 1, 'a', 1.1, 1.1, 'b')\n"
    "redis.call('XADD', 'x', '1-1', 'a', 'b') redis.call('XADD', 'x', '2-1', 'a', 'b')\n"
    "redis.call('XGROUP', 'CREATE', 'x', 'g', 0) redis.call('XGROUP', 'CREATE', 'y', 'g', 0, "
    "'MKSTREAM')\n"
    "redis.call('XREADGROUP', 'GROUP', 'g', 'me', 'COUNT', 1, 'STREAMS', 'x', '>')\n"
    "redis.pcall('VADD', 'v', 'VALUES', 2, 1, 1, 'a') redis.pcall('VSETATTR', 'v', 'a', "
    "'{\"a\":1}')\n"
    "local dumped = redis.call('DUMP', 's')\n";
static const char behind[] = "\nlocal function mark(v) return v == false and 'F' or v == true and "
                             "'T' or v == nil and '0' or\n"
                             "    type(v):sub(1, 1) end\n"
                             "if type(r) ~= 'table' then return mark(r) end\n"
                             "return 't' .. mark(r[1]) .. mark(r[2]) .. mark(r[3]) .. mark(r.ok)";

/* The call in Lua. */
static void write_call(const char *row, size_t size, char *out)
{
    size_t at = (size_t)sprintf(out, "local r = redis.call(");
    bool first = true;
    while (size > 0) {
        size_t word = 0;
        while (word < size && row[word] != ' ')
            word++;
        if (word == 6 && memcmp(row, "DUMPED", 6) == 0)
            at += (size_t)sprintf(out + at, ", dumped");
        else if (word > 0)
            at += (size_t)sprintf(out + at, "%s'%.*s'", first ? "" : ", ", (int)word, row);
        first = first && word == 0;
        row += word + (word < size);
        size -= word + (word < size);
    }
    (void)sprintf(out + at, ")");
}

static unsigned type_of(char mark)
{
    switch (mark) {
    case '0':
        return LINT_TYPE_NIL;
    case 'F':
        return LINT_TYPE_FALSE;
    case 'T':
        return LINT_TYPE_TRUE;
    case 'n':
        return LINT_TYPE_NUMBER;
    case 's':
        return LINT_TYPE_STRING;
    case 't':
        return LINT_TYPE_TABLE;
    default:
        ck_abort_msg("a type that starts with %c", mark);
    }
}

static void find_seen(const struct lint_node *node, struct types *types, size_t *place)
{
    for (; node; node = node->next) {
        find_seen(node->a, types, place);
        find_seen(node->b, types, place);
        find_seen(node->c, types, place);
        if (node->kind == LINT_CALL && node->a->kind == LINT_NAME && !node->a->variable &&
            node->a->text.size == 8 && node->b) {
            const struct lint_value *v = node->b->value;
            ck_assert_uint_lt(*place, PLACES);
            types->of[*place] = v->types | (v->element ? LINT_TYPE_NIL : 0);
            types->unknown[(*place)++] = v->unknown;
        }
    }
}

/* What flow says of it. */
static void foretell(const char *call, struct types *types)
{
    char source[ROOM];
    struct arena arena = {0};
    struct lint_tree tree;
    size_t place = 0;
    int size = snprintf(source, sizeof source,
                        "local dumped = ARGV[1] %s rawequal(r) rawequal(r[1]) rawequal(r[2]) "
                        "rawequal(r[3]) rawequal(r.ok)",
                        call);
    *types = (struct types){{0}, {false}};
    ck_assert(lint_parse(&arena, source, (size_t)size, &tree) && tree.whole);
    ck_assert(lint_flow(&arena, &tree, LINT_SOURCE_EVAL));
    find_seen(tree.root, types, &place);
    ck_assert_uint_eq(place, PLACES);
    arena_free(&arena);
}

static const struct command *command_of(const char *row)
{
    size_t n = strcspn(row, " "), sub = row[n] ? strcspn(row + n + 1, " ") : 0;
    const struct command *command = command_find(row, n, sub ? row + n + 1 : NULL, sub);
    ck_assert_msg(command != NULL, "no command: %s", row);
    return command;
}

/* One call: asked, and compared; what was seen and foretold is added to the row's. */
static void compare(ts_conn *conn, const char *call, struct types *foretold, unsigned *seen)
{
    char script[ROOM];
    struct types types;
    (void)snprintf(script, sizeof script, "%s%s%s", before, call, behind);
    ts_reply *reply = ts_conn_command(conn, "EVAL", script, "0", NULL);
    ck_assert_msg(reply->type == TS_REPLY_TEXT, "%s: %s", call, reply->text ? reply->text : "?");
    foretell(call, &types);
    *seen |= type_of(reply->text[0]);
    foretold->of[0] |= types.of[0];
    for (size_t i = 0; i < reply->length; i++) {
        unsigned type = type_of(reply->text[i]);
        ck_assert_msg(types.unknown[i] || types.of[i] & type, "%s: in place %zu there is %c", call,
                      i, reply->text[i]);
        /* What is there for sure is not only one of some. */
        ck_assert_msg(i == 0 || i == 4 || types.unknown[i] || type != LINT_TYPE_NIL ||
                          types.of[i] & LINT_TYPE_NIL,
                      "%s: nothing in place %zu", call, i);
    }
    ck_assert_msg(!types.unknown[0], "%s: not known", call);
    ts_reply_free(reply);
}

static void compare_row(ts_conn *conn, const char *row)
{
    size_t name = strcspn(row, " ");
    struct types foretold = {{0}, {false}};
    unsigned seen = 0;
    for (const char *at = row[name] ? row + name + 1 : row + name;;) {
        char words[CALL_ROOM], call[2 * CALL_ROOM];
        size_t size = strcspn(at, "|");
        (void)snprintf(words, sizeof words, "%.*s %.*s", (int)name, row, (int)size, at);
        write_call(words, strlen(words), call);
        compare(conn, call, &foretold, &seen);
        if (at[size] == 0)
            break;
        at += size + 1;
    }
    ck_assert_msg(seen == foretold.of[0], "%s: foretold are types %x, and seen %x", row,
                  foretold.of[0], seen);
    ck_assert_msg((seen & ~(unsigned)lint_reply_types(command_of(row))) == 0, "%s: not in info",
                  row);
}

static bool server_has(ts_conn *conn, const char *row)
{
    char words[2][64] = {"", ""};
    (void)sscanf(row, "%63s %63s", words[0], words[1]);
    char joined[132];
    bool contained = strchr(command_of(row)->name, ' ');
    (void)snprintf(joined, sizeof joined, contained ? "%s|%s" : "%s", words[0], words[1]);
    ts_reply *reply = ts_conn_command(conn, "COMMAND", "INFO", joined, NULL);
    bool has = reply->type == TS_REPLY_ARRAY && reply->count == 1 &&
               reply->elements[0]->type == TS_REPLY_ARRAY;
    ts_reply_free(reply);
    return has;
}

START_TEST(scripts_get_what_was_foretold)
{
    ts_server_options options = {.kind = _i ? TS_VALKEY : TS_REDIS};
    ts_server *server = ts_server_start(&options);
    ck_assert_ptr_nonnull(server);
    ts_conn *conn = ts_truth_open(server);
    size_t asked = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!server_has(conn, rows[i]))
            continue;
        compare_row(conn, rows[i]);
        asked++;
    }
    ck_assert_uint_gt(asked, 170);
    ts_conn_close(conn);
    ts_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lint_replies");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, scripts_get_what_was_foretold, 0, 2);
    suite_add_tcase(suite, t);
    return suite_run(suite, CK_NOFORK);
}
