/* The scripts in people/, as people write them, are taken by real servers and do there what people/calls.txt says:
 * so what the linter says of them is said of scripts that exist. */
#include "base.h"
#include "buffer.h"
#include "suite.h"
#include "truth.h"

#include <check.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef PEOPLE
#error "PEOPLE: the folder of the scripts"
#endif

enum { FILES_MAX = 64, NAME = 64 };

static char files[FILES_MAX][NAME];
static size_t file_count, called_count;

/* A file of the folder, with a NUL behind it. */
static char *read_file(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", PEOPLE, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    char *text = ts_alloc(1 << 16);
    size_t n = fread(text, 1, (1 << 16) - 1, file);
    (void)fclose(file);
    ck_assert_uint_gt(n, 0);
    return text;
}

static void find_files(void)
{
    struct dirent **entries = NULL;
    int count = scandir(PEOPLE, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        size_t n = strlen(entries[i]->d_name);
        if (n > 4 && strcmp(entries[i]->d_name + n - 4, ".lua") == 0) {
            ck_assert(file_count < FILES_MAX && n < NAME);
            memcpy(files[file_count++], entries[i]->d_name, n + 1);
        }
        free(entries[i]);
    }
    free(entries);
    ck_assert_uint_ge(file_count, 20);
}

/* ---- words -------------------------------------------------------------------------------------- */

static char *packed(const ts_server *server, const char *json, size_t *size)
{
    ts_reply *reply =
        ts_command(server, "EVAL", "return cmsgpack.pack(cjson.decode(ARGV[1]))", "0", json, NULL);
    ck_assert_msg(reply->type == TS_REPLY_TEXT, "%s: %s", json, reply->text);
    char *bytes = ts_copy(reply->text, *size = reply->length);
    ts_reply_free(reply);
    return bytes;
}

/* The next word of a line, which is changed; NULL at its end. */
static char *next_word(const ts_server *server, char **line, size_t *size)
{
    char *from = *line + strspn(*line, " "), *to;
    if (!*from)
        return NULL;
    if (strncmp(from, "pack:'", 6) == 0) {
        to = strchr(from + 6, '\'');
        ck_assert_ptr_nonnull(to);
        *to = '\0';
        *line = to + 1;
        return packed(server, from + 6, size);
    }
    if (*from != '"') {
        *size = strcspn(from, " ");
        *line = from + *size;
        return ts_copy(from, *size);
    }
    char *word = ts_alloc(strlen(from));
    *size = 0;
    for (to = from + 1; *to != '"'; to++) {
        to += *to == '\\';
        ck_assert_msg(*to != '\0', "a quote is not closed: %s", from);
        word[(*size)++] = *to;
    }
    *line = to + 1;
    return word;
}

/* ---- answers ------------------------------------------------------------------------------------ */

static void write_reply(ts_buffer *out, const ts_reply *reply)
{
    switch (reply->type) {
    case TS_REPLY_INTEGER:
        ts_buffer_print(out, "%lld", (long long)reply->integer);
        break;
    case TS_REPLY_NIL:
        ts_buffer_add(out, "nil", 3);
        break;
    case TS_REPLY_TEXT:
        ts_buffer_add(out, "\"", 1);
        for (size_t i = 0; i < reply->length; i++) {
            if (reply->text[i] == '"')
                ts_buffer_add(out, "\\", 1);
            ts_buffer_add(out, reply->text + i, 1);
        }
        ts_buffer_add(out, "\"", 1);
        break;
    case TS_REPLY_ARRAY:
        ts_buffer_add(out, "[", 1);
        for (size_t i = 0; i < reply->count; i++) {
            if (i)
                ts_buffer_add(out, " ", 1);
            write_reply(out, reply->elements[i]);
        }
        ts_buffer_add(out, "]", 1);
        break;
    case TS_REPLY_ERROR:
        ts_buffer_add(out, "-", 1);
        ts_buffer_add(out, reply->text, reply->length);
        break;
    case TS_REPLY_STATUS:
        ts_buffer_add(out, reply->text, reply->length);
        break;
    case TS_REPLY_LOST:
        ck_abort_msg("no answer: %s", reply->text);
    }
}

/* `want` is NULL if anything but an error will do. */
static void compare(const char *file, const char *call, const ts_reply *reply, const char *want)
{
    ts_buffer out = {0};
    write_reply(&out, reply);
    ts_buffer_add(&out, "", 1);
    const char *got = ts_buffer_bytes(&out);
    if (!want)
        ck_assert_msg(*got != '-', "%s: %s: %s", file, call, got);
    else if (*want == '-' && (want[1] < '0' || want[1] > '9'))
        ck_assert_msg(*got == '-' && strstr(got, want + 1), "%s: %s: %s, not %s", file, call, got,
                      want);
    else
        ck_assert_msg(strcmp(got, want) == 0, "%s: %s: %s, not %s", file, call, got, want);
    ts_buffer_free(&out);
}

/* ---- calls -------------------------------------------------------------------------------------- */

/* Loads a file into an empty server; its digest in fresh memory, of a library its name. */
static char *load(const ts_server *server, const char *file)
{
    char *source = read_file(file);
    bool library = strncmp(source, "#!lua name=", 11) == 0;
    ts_do(server, "FLUSHALL", NULL);
    ts_reply *reply = library ? ts_command(server, "FUNCTION", "LOAD", "REPLACE", source, NULL)
                              : ts_command(server, "SCRIPT", "LOAD", source, NULL);
    ck_assert_msg(reply->type == TS_REPLY_TEXT, "%s is refused: %s", file, reply->text);
    char *digest = ts_copy(reply->text, reply->length);
    ts_reply_free(reply);
    free(source);
    return digest;
}

static ts_reply *send_line(const ts_server *server, const char *line, const char *digest)
{
    char *copy = ts_copy(line, strlen(line)), *rest = copy;
    char *words[TS_WORDS_MAX + 1];
    size_t sizes[TS_WORDS_MAX + 1], size, n = 0;
    for (char *word; (word = next_word(server, &rest, &size));) {
        ck_assert_uint_lt(n, TS_WORDS_MAX);
        bool call = n == 0 && strcmp(word, "CALL") == 0;
        if (call) {
            ck_assert_msg(digest != NULL, "CALL of no script: %s", line);
            free(word);
            words[n] = ts_copy("EVALSHA", sizes[n] = strlen("EVALSHA"));
            word = ts_copy(digest, size = strlen(digest));
            n++;
        }
        words[n] = word;
        sizes[n++] = size;
    }
    ts_reply *reply = ts_command_words(server, n, (const char *const *)words, sizes);
    while (n)
        free(words[--n]);
    free(copy);
    return reply;
}

/* The next line that says something; lines end with a NUL from then on. */
static char *next_line(char **text)
{
    while (**text) {
        char *line = *text;
        char *end = strchr(line, '\n');
        *text = end ? end + 1 : line + strlen(line);
        if (end)
            *end = '\0';
        if (*line && *line != '#')
            return line;
    }
    return NULL;
}

static void make_calls(const ts_server *server)
{
    char *text = read_file("calls.txt"), *rest = text, *digest = NULL;
    const char *file = "";
    char *line = next_line(&rest);
    while (line) {
        size_t n = strlen(line);
        char *next = next_line(&rest);
        if (n > 4 && !strchr(line, ' ') && strcmp(line + n - 4, ".lua") == 0) {
            free(digest);
            file = line;
            digest = load(server, file);
            called_count++;
        } else {
            bool told = next && strncmp(next, "= ", 2) == 0;
            ts_reply *reply = send_line(server, line, digest);
            compare(file, line, reply, told ? next + 2 : NULL);
            ts_reply_free(reply);
            if (told)
                next = next_line(&rest);
        }
        line = next;
    }
    free(digest);
    free(text);
}

START_TEST(servers_take_and_run_them)
{
    ts_server *server = ts_server_start(&(ts_server_options){.kind = _i ? TS_VALKEY : TS_REDIS});
    ck_assert_ptr_nonnull(server);
    for (size_t i = 0; i < file_count; i++)
        free(load(server, files[i]));
    called_count = 0;
    make_calls(server);
    ck_assert_uint_eq(called_count, file_count); /* none was forgotten */
    ts_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("people");
    TCase *c = tcase_create("servers");
    tcase_add_unchecked_fixture(c, find_files, NULL);
    tcase_add_loop_test(c, servers_take_and_run_them, 0, 2);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
