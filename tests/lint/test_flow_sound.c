/* Programs that are diced, run by a server, and each value that they show compared with what data flow says of the
 * expression: it must be one of those that are foretold. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "dice.h"
#include "flow_programs.h"
#include "lint/value.h"
#include "suite.h"
#include "truth.h"

enum { PROGRAMS = 250, SITES_MAX = 4096 };

/* Put before a program and behind it on the server; what flow is shown has `num` alone. */
static const char before[] =
    "local SEEN, TICK = {}, 0\n"
    "local function see(v, site)\n"
    "  local text = (type(v) == 'number' or type(v) == 'string') and tostring(v) or ''\n"
    "  local mark = v == nil and '0' or v == false and 'F' or v == true and 'T' or\n"
    "    type(v) == 'number' and v ~= math.floor(v) and 'r' or type(v):sub(1, 1)\n"
    "  if #SEEN < 2000 then SEEN[#SEEN + 1] = site .. ':' .. mark .. text end\n"
    "end\n"
    "local rawequal = see\n"
    "local function tick() TICK = TICK + 1 if TICK > 200 then error('tick', 0) end return TICK % 7 "
    "== 6 end\n"
    "local function num(v) return tonumber(v) or 3 end\n"
    "redis.call('FLUSHALL') redis.call('SET', 'k1', 'v') redis.call('RPUSH', 'l', 'a', 'b')\n"
    "redis.call('HSET', 'h', 'f', '1')\n"
    "pcall(function(...)\n";
static const char behind[] = "\nend) return SEEN";
static const char before_flow[] = "local function num(v) return tonumber(v) or 3 end\n";

struct followed {
    struct arena arena;
    struct lint_tree tree;
    const struct lint_value *sites[SITES_MAX];
};

static void find_sites(struct followed *f, const struct lint_node *node)
{
    for (; node; node = node->next) {
        find_sites(f, node->a);
        find_sites(f, node->b);
        find_sites(f, node->c);
        const struct lint_node *name = node->kind == LINT_CALL ? node->a : NULL;
        if (!name || name->kind != LINT_NAME || name->variable || !node->b || !node->b->next ||
            (memcmp(name->text.text, "see", 3) != 0 && memcmp(name->text.text, "raweq", 5) != 0))
            continue;
        size_t site = (size_t)node->b->next->number;
        ck_assert_uint_lt(site, SITES_MAX);
        f->sites[site] = node->b->value;
    }
}

static void follow(struct followed *f, const ts_buffer *program)
{
    size_t size = sizeof before_flow - 1 + ts_buffer_length(program);
    char *source = arena_get(&f->arena, size);
    ck_assert_ptr_nonnull(source);
    memcpy(source, before_flow, sizeof before_flow - 1);
    memcpy(source + sizeof before_flow - 1, ts_buffer_bytes(program), ts_buffer_length(program));
    ck_assert(lint_parse(&f->arena, source, size, &f->tree));
    ck_assert_msg(f->tree.whole, "%s:\n%.*s", f->tree.remarks->message, (int)size, source);
    ck_assert(lint_flow(&f->arena, &f->tree, LINT_SOURCE_EVAL));
    find_sites(f, f->tree.root);
}

static unsigned type_of(char mark)
{
    static const struct {
        char mark;
        unsigned type;
    } marks[] = {{'0', LINT_TYPE_NIL},    {'F', LINT_TYPE_FALSE},   {'T', LINT_TYPE_TRUE},
                 {'n', LINT_TYPE_NUMBER}, {'r', LINT_TYPE_NUMBER},  {'s', LINT_TYPE_STRING},
                 {'t', LINT_TYPE_TABLE},  {'f', LINT_TYPE_FUNCTION}};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (marks[i].mark == mark)
            return marks[i].type;
    ck_abort_msg("a type that starts with %c", mark);
}

/* Whether a value that was seen ("n12", "sabc", "F") is among those that are foretold. */
static bool holds(const struct lint_value *v, const char *seen)
{
    unsigned type = type_of(seen[0]);
    if (v->unknown)
        return true;
    if (!(v->types & type) && !(v->element && type == LINT_TYPE_NIL))
        return false;
    if (seen[0] == 'r' && v->whole == LINT_WHOLE)
        return false;
    if (!v->constant)
        return true;
    if (type == LINT_TYPE_NUMBER)
        return fabs(v->number - strtod(seen + 1, NULL)) < 1e-6;
    return type != LINT_TYPE_STRING ||
           (v->text.size == strlen(seen + 1) && memcmp(v->text.text, seen + 1, v->text.size) == 0);
}

struct counted {
    size_t seen, known;
};

static void compare(const struct followed *f, const ts_reply *reply, const ts_buffer *program,
                    uint64_t number, struct counted *counted)
{
    ck_assert_msg(reply->type == TS_REPLY_ARRAY, "program %llu: %s", (unsigned long long)number,
                  reply->text ? reply->text : "?");
    for (size_t i = 0; i < reply->count; i++) {
        const char *text = reply->elements[i]->text;
        char *colon;
        unsigned long site = strtoul(text, &colon, 10);
        const struct lint_value *v = site < SITES_MAX ? f->sites[site] : NULL;
        ck_assert_ptr_nonnull(v);
        ck_assert_msg(holds(v, colon + 1),
                      "program %llu, site %lu: %s seen; foretold are types %x\n%.*s",
                      (unsigned long long)number, site, colon + 1, (unsigned)v->types,
                      (int)ts_buffer_length(program), ts_buffer_bytes(program));
        counted->seen++;
        counted->known += !v->unknown;
    }
}

static void run(ts_conn *conn, const struct followed *f, const ts_buffer *program, uint64_t number,
                struct counted *counted)
{
    static const char *const calls[][6] = {{"2", "k1", "k2", "x", "5", NULL},
                                           {"1", "k1", NULL},
                                           {"1", "k3", "y", "0.5", "z", NULL},
                                           {"2", "k3", "k1", "1", NULL}};
    ts_buffer script = {0};
    ts_buffer_add(&script, before, sizeof before - 1);
    ts_buffer_add(&script, ts_buffer_bytes(program), ts_buffer_length(program));
    ts_buffer_add(&script, behind, sizeof behind - 1);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const char *words[8] = {"EVAL", ts_buffer_bytes(&script)};
        size_t lengths[8] = {4, ts_buffer_length(&script)}, count = 2;
        for (; count < 8 && calls[i][count - 2]; count++) {
            words[count] = calls[i][count - 2];
            lengths[count] = strlen(words[count]);
        }
        ts_reply *reply = ts_conn_command_words(conn, count, words, lengths);
        compare(f, reply, program, number, counted);
        ts_reply_free(reply);
    }
    ts_buffer_free(&script);
}

START_TEST(values_are_among_those_foretold)
{
    ts_server_options options = {.kind = _i ? TS_VALKEY : TS_REDIS};
    ts_server *server = ts_server_start(&options);
    ck_assert_ptr_nonnull(server);
    ts_conn *conn = ts_truth_open(server);
    struct counted counted = {0, 0};
    uint64_t programs = dice_setting("VOUCH_FLOW_PROGRAMS", PROGRAMS);
    for (uint64_t i = 0; i < programs; i++) {
        struct followed *f = ts_alloc(sizeof *f);
        *f = (struct followed){.arena = {0}};
        ts_buffer program = {0};
        uint64_t number = i * 2 + (uint64_t)_i;
        size_t sites = flow_program_write(&program, dice_seed(), number);
        ck_assert_uint_lt(sites, SITES_MAX);
        follow(f, &program);
        run(conn, f, &program, number, &counted);
        ts_buffer_free(&program);
        arena_free(&f->arena);
        free(f);
    }
    printf("%zu values seen, of %zu all was known\n", counted.seen, counted.known);
    ck_assert_uint_gt(counted.known, programs * 20);
    ts_conn_close(conn);
    ts_server_free(server);
}
END_TEST

int main(void)
{
    dice_print_seed();
    Suite *suite = suite_create("flow_sound");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, values_are_among_those_foretold, 0, 2);
    suite_add_tcase(suite, t);
    return suite_run(suite, CK_NOFORK);
}
