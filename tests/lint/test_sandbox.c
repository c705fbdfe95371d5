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

/* A rule that tells what is in the table: "NAME ecl": a script, a function, a library that loads has it, and u: not
 * every server of that line does. */
static const char telling[] =
    "return {severity = 'info', summary = 's', why = 'w', bad = 'b', good = 'g', check = "
    "function(lint)\n"
    "    return {chunk = function(node)\n"
    "        for name, entry in pairs(lint.sandbox) do\n"
    "            local letters = ''\n"
    "            for target in pairs(lint.targets) do\n"
    "                for letter, key in pairs({e = 'eval', c = 'call', l = 'load', u = 'unfixed'}) "
    "do\n"
    "                    letters = letters .. (entry.on[target] and entry[key] and letter or '')\n"
    "                end\n"
    "            end\n"
    "            lint.report(node, name .. ' ' .. letters)\n"
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
    char letters[8];
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
        const char *space = strchr(finding->message, ' ');
        ck_assert_ptr_nonnull(space);
        snprintf(name->text, sizeof name->text, "%.*s", (int)(space - finding->message),
                 finding->message);
        snprintf(name->letters, sizeof name->letters, "%.7s", space + 1);
    }
    ck_assert_uint_gt(names, 100);
    vouch_lint_report_free(report);
    vouch_lint_free(lint);
    ts_temp_remove(folder);
}

/* Compares what a server lists with the names of the table that have a letter. */
static void compare(const ts_reply *list, char there, const char *where)
{
    ck_assert_msg(list->type == TS_REPLY_ARRAY, "%s: %s", where, list->text);
    bool seen[NAMES_MAX] = {false};
    for (size_t i = 0; i < list->count; i++) {
        const struct name *name = find(list->elements[i]->text);
        ck_assert_msg(name != NULL, "%s: there is `%s`, which the table lacks", where,
                      list->elements[i]->text);
        ck_assert_msg(strchr(name->letters, there) != NULL, "%s: there is `%s` after all", where,
                      name->text);
        seen[name - table] = true;
    }
    for (size_t i = 0; i < names; i++)
        ck_assert_msg(seen[i] || !strchr(table[i].letters, there) || strchr(table[i].letters, 'u'),
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
    compare(list, 'e', "a script");
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
    compare(list, 'c', "a function");
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
        ck_assert_msg((reply->type == TS_REPLY_TEXT) == (strchr(table[i].letters, 'l') != NULL),
                      "while it loads: `%s`: %s", table[i].text, reply->text);
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
