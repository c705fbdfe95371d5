/* src/lint/sandbox.lua, the rules' table of what scripts find, against servers: nothing is missing in it, and
 * nothing in it is missing there; in scripts, in functions, and while a library loads. */
#include "vouch/lint.h"

#include "base.h"
#include "buffer.h"
#include "server.h"
#include "suite.h"
#include "temp.h"
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 400, NAME_ROOM = 64 };

/* A rule that tells what is in the table: "NAME eval call load unfixed", each of the latter 0 or 1. */
static const char telling[] = "local function bit(value) return value and 1 or 0 end\n"
                              "return {severity = 'info', summary = 's', why = 'w', bad = 'b', "
                              "good = 'g', check = function(lint)\n"
                              "    return {chunk = function(node)\n"
                              "        for name, entry in pairs(lint.sandbox) do\n"
                              "            for target in pairs(lint.targets) do\n"
                              "                lint.report(node, ('%s %d %d %d %d'):format(name, "
                              "bit(entry.on[target] and entry.eval),\n"
                              "                    bit(entry.on[target] and entry.call), "
                              "bit(entry.on[target] and entry.load), "
                              "bit(entry.unfixed)))\n"
                              "            end\n"
                              "        end\n"
                              "    end}\n"
                              "end}\n";

/* What a script finds: `list()`. Members of `server` are those of `redis`, and told as such. */
static const char listing[] =
    "local function list()\n"
    "    local names, out = {}, {}\n"
    "    local function add(prefix, from)\n"
    "        for name in pairs(from) do names[prefix .. name] = true end\n"
    "    end\n"
    "    local meta = getmetatable(_G)\n"
    "    add('', _G)\n"
    "    if meta and type(meta.__index) == 'table' then add('', meta.__index) end\n"
    "    for name in pairs(names) do\n"
    "        local value = rawget(_G, name) or meta and meta.__index[name]\n"
    "        if type(value) == 'table' and value ~= _G and name ~= 'KEYS' and name ~= 'ARGV' then\n"
    "            for member in pairs(value) do\n"
    "                out[#out + 1] = (name == 'server' and 'redis' or name) .. '.' .. member\n"
    "            end\n"
    "        end\n"
    "        if not name:find('err__handler') then out[#out + 1] = name end\n"
    "    end\n"
    "    return out\n"
    "end\n";

struct name {
    char text[NAME_ROOM];
    int eval, call, load, unfixed;
};

static struct name table[NAMES_MAX];
static size_t names;
static ts_server *server;

static const struct name *find(const char *text)
{
    for (size_t i = 0; i < names; i++)
        if (strcmp(table[i].text, text) == 0)
            return &table[i];
    return NULL;
}

/* "redis-7.0": the line of the server. */
static void line_of(char line[32])
{
    char *valkey = ts_info(server, "server", "valkey_version");
    char *redis = ts_info(server, "server", "redis_version");
    const char *version = valkey ? valkey : redis;
    ck_assert_ptr_nonnull(version);
    const char *dot = strchr(version, '.');
    ck_assert_ptr_nonnull(dot);
    int size = (int)(dot - version) + 1 + (int)strcspn(dot + 1, ".");
    snprintf(line, 32, "%s-%.*s", valkey ? "valkey" : "redis", size, version);
    free(valkey);
    free(redis);
}

static void read_table(const char *target)
{
    char folder[TS_TEMP_MAX], path[TS_TEMP_MAX + 32];
    ts_temp_make(folder);
    snprintf(path, sizeof path, "%s/table-told.lua", folder);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(telling, file);
    fclose(file);

    vouch_lint_options options = VOUCH_LINT_OPTIONS_INIT;
    options.target = target;
    options.rules = folder;
    vouch_lint *lint;
    vouch_error error;
    ck_assert_msg(vouch_lint_new(&options, &lint, &error) == VOUCH_OK, "%s", error.message);
    vouch_lint_source source = {.text = "return 1", .size = 8};
    vouch_lint_report *report;
    ck_assert_int_eq(vouch_lint_run(lint, &source, &report, &error), VOUCH_OK);
    names = 0;
    for (size_t i = 0; i < vouch_lint_count(report); i++) {
        const vouch_lint_finding *finding = vouch_lint_finding_at(report, i);
        ck_assert_str_eq(finding->rule, "table-told");
        struct name *name = &table[names++];
        ck_assert_uint_lt(names, NAMES_MAX);
        ck_assert_int_eq(sscanf(finding->message, "%63s %d %d %d %d", name->text, &name->eval,
                                &name->call, &name->load, &name->unfixed),
                         5);
    }
    ck_assert_uint_gt(names, 100);
    vouch_lint_report_free(report);
    vouch_lint_free(lint);
    ts_temp_remove(folder);
}

/* Compares what a server lists with the table, where `there` of it says so. */
static void compare(const ts_reply *list, size_t there, const char *where)
{
    ck_assert_msg(list->type == TS_REPLY_ARRAY, "%s: %s", where, list->text);
    bool seen[NAMES_MAX] = {false};
    for (size_t i = 0; i < list->count; i++) {
        const struct name *name = find(list->elements[i]->text);
        ck_assert_msg(name != NULL, "%s: there is `%s`, which the table lacks", where,
                      list->elements[i]->text);
        ck_assert_msg(*(const int *)((const char *)name + there), "%s: there is `%s` after all",
                      where, name->text);
        seen[name - table] = true;
    }
    for (size_t i = 0; i < names; i++)
        ck_assert_msg(seen[i] || !*(const int *)((const char *)&table[i] + there) ||
                          table[i].unfixed,
                      "%s: there is no `%s`", where, table[i].text);
}

static void start(int kind)
{
    server = ts_server_start(&(ts_server_options){.kind = (ts_server_kind)kind});
    ck_assert_ptr_nonnull(server);
    char line[32];
    line_of(line);
    read_table(line);
}

START_TEST(scripts_find_what_the_table_says)
{
    start(_i);
    char source[sizeof listing + 32];
    snprintf(source, sizeof source, "%sreturn list()", listing);
    ts_reply *list = ts_command(server, "EVAL", source, "0", NULL);
    compare(list, offsetof(struct name, eval), "a script");
    ts_reply_free(list);
    ts_server_free(server);
}
END_TEST

START_TEST(functions_find_what_the_table_says)
{
    start(_i);
    char source[sizeof listing + 100];
    snprintf(source, sizeof source, "#!lua name=x\n%sredis.register_function('f', list)", listing);
    ts_do(server, "FUNCTION", "LOAD", source, NULL);
    ts_reply *list = ts_command(server, "FCALL", "f", "0", NULL);
    compare(list, offsetof(struct name, call), "a function");
    ts_reply_free(list);
    ts_server_free(server);
}
END_TEST

/* One by one: there is nothing to list them with. */
START_TEST(loading_libraries_find_what_the_table_says)
{
    start(_i);
    for (size_t i = 0; i < names; i++) {
        char source[256];
        snprintf(source, sizeof source,
                 "#!lua name=x\nlocal value = %.63s\n"
                 "redis.register_function('f', function() return value end)",
                 table[i].text);
        ts_reply *reply = ts_command(server, "FUNCTION", "LOAD", "REPLACE", source, NULL);
        ck_assert_msg((reply->type == TS_REPLY_TEXT) == table[i].load, "while it loads: `%s`: %s",
                      table[i].text, reply->text);
        ts_reply_free(reply);
    }
    ts_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sandbox");
    TCase *tests = tcase_create("sandbox");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, scripts_find_what_the_table_says, TS_REDIS, TS_VALKEY + 1);
    tcase_add_loop_test(tests, functions_find_what_the_table_says, TS_REDIS, TS_VALKEY + 1);
    tcase_add_loop_test(tests, loading_libraries_find_what_the_table_says, TS_REDIS, TS_VALKEY + 1);
    suite_add_tcase(suite, tests);
    return suite_run(suite, CK_FORK_GETENV);
}
