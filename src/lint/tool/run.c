/* Files to findings: each source is read, judged, shown to the server if there is one, and written. What cannot
 * be read is told, and the others are linted all the same. */
#include "lint/tool/tool.h"

#include "base/alloc.h"
#include "lint/tool/files.h"
#include "lint/tool/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run {
    const struct options *o;
    vouch_lint *lint;
    struct server *server;
    struct output out;
    struct paths faults;
};

/* What keeps the program from doing all that it was asked: told at once, and again in formats that have room. */
static void add_fault(struct run *run, const struct fault *fault)
{
    struct fault ignored = {0};
    size_t n = strnlen(fault->message, sizeof fault->message);
    (void)fputs("vouch-lint: ", stderr);
    write_visible(stderr, fault->message, n);
    (void)fputc('\n', stderr);
    (void)paths_add(&run->faults, fault->message, &ignored);
}

/* ---- a server that was asked ----------------------------------------------------------------- */

static bool has(const vouch_lint_report *report, vouch_lint_severity severity, const char *rule)
{
    const vouch_lint_finding *f;
    for (size_t i = 0; (f = vouch_lint_finding_at(report, i)); i++)
        if (f->severity >= severity && (!rule || strcmp(f->rule, rule) == 0))
            return true;
    return false;
}

/* Whether what the server says is what was found. A compiler's refusal must be foreseen as one; any other is
 * foreseen by any error. That some servers only refuse brackets in brackets is told as that. */
static bool agrees(const struct answer *answer, const vouch_lint_report *report)
{
    bool refused = vouch_lint_refused(report);
    switch (answer->verdict) {
    case VERDICT_ACCEPTED:
        return !refused;
    case VERDICT_NOT_COMPILED:
        return refused || has(report, VOUCH_LINT_INFO, "nested-bracket");
    case VERDICT_REFUSED:
        return refused || has(report, VOUCH_LINT_ERROR, NULL);
    }
    return false;
}

/* The place of a line: its first byte, or the source's last one if it has fewer lines. */
static void place_at(vouch_lint_finding *f, const char *text, size_t size, uint32_t line)
{
    size_t at = 0;
    f->line = f->end_line = 1;
    while (f->line < line) {
        const char *end = memchr(text + at, '\n', size - at);
        if (!end)
            break;
        at = (size_t)(end - text) + 1;
        f->line++;
    }
    f->offset = at;
    f->column = f->end_column = 1;
    f->end_line = f->line;
}

/* Adds a finding in its place; `list` has room for it. */
static void insert(vouch_lint_finding *list, size_t *count, const vouch_lint_finding *f)
{
    size_t at = *count;
    while (at && list[at - 1].offset > f->offset)
        at--;
    memmove(list + at + 1, list + at, (*count - at) * sizeof *list);
    list[at] = *f;
    (*count)++;
}

/* Asks the server; if it disagrees, writes the finding and its message. False: there is nothing to tell. */
static bool ask(struct run *run, const struct file *file, const vouch_lint_report *report,
                char *message, size_t room, vouch_lint_finding *out)
{
    struct answer answer;
    struct fault fault = {0};
    const vouch_lint_rule *rule = vouch_lint_rule_find(run->lint, "server-disagrees");
    bool library = vouch_lint_taken_for(report) == VOUCH_LINT_FUNCTION;
    if (!server_ask(run->server, file->text, file->size, library, &answer, &fault)) {
        add_fault(run, &fault);
        return false;
    }
    if (agrees(&answer, report) || (rule && rule->severity == VOUCH_LINT_OFF))
        return false;
    if (answer.verdict == VERDICT_ACCEPTED)
        (void)snprintf(message, room,
                       "the server takes this source, which by the findings here does not compile");
    else
        (void)snprintf(message, room,
                       "the server refuses this source, and nothing here says why: %s",
                       answer.words);
    *out = (vouch_lint_finding){.severity = rule ? rule->severity : VOUCH_LINT_ERROR,
                                .rule = "server-disagrees",
                                .message = message};
    place_at(out, file->text, file->size, answer.line);
    return true;
}

/* ---- one source ------------------------------------------------------------------------------ */

static bool write_report(struct run *run, const char *name, const struct file *file,
                         const vouch_lint_report *report)
{
    size_t count = vouch_lint_count(report);
    vouch_lint_finding *list = alloc_get((count + 1) * sizeof *list), more;
    if (!list)
        return false;
    for (size_t i = 0; i < count; i++)
        list[i] = *vouch_lint_finding_at(report, i);
    char message[1024];
    if (run->server && ask(run, file, report, message, sizeof message, &more))
        insert(list, &count, &more);
    struct judged judged = {.name = name,
                            .text = file->text,
                            .size = file->size,
                            .kind = vouch_lint_taken_for(report),
                            .refused = vouch_lint_refused(report),
                            .left_out = vouch_lint_left_out(report),
                            .findings = list,
                            .count = count};
    output_source(&run->out, &judged);
    alloc_free(list);
    return true;
}

static void lint_file(struct run *run, const char *name, const struct file *file)
{
    const struct options *o = run->o;
    vouch_lint_source source = {.text = file->text,
                                .size = file->size,
                                .kind = o->kind,
                                .numkeys_known = o->numkeys_known,
                                .numkeys = o->numkeys};
    vouch_lint_report *report;
    vouch_error error;
    struct fault fault = {0};
    if (vouch_lint_run(run->lint, &source, &report, &error) != VOUCH_OK) {
        (void)fault_set(&fault, "%s: %s", name, error.message);
        add_fault(run, &fault);
        return;
    }
    if (!write_report(run, name, file, report)) {
        (void)fault_set(&fault, "%s: out of memory", name);
        add_fault(run, &fault);
    }
    vouch_lint_report_free(report);
}

static void lint_path(struct run *run, const char *path)
{
    struct file file;
    struct fault fault = {0};
    bool standard = strcmp(path, "-") == 0;
    bool fine = standard ? file_read_stdin(VOUCH_LINT_SOURCE_MAX, &file, &fault)
                         : file_read(path, VOUCH_LINT_SOURCE_MAX, &file, &fault);
    if (!fine) {
        add_fault(run, &fault);
        return;
    }
    const char *name = run->o->stdin_name ? run->o->stdin_name : "<stdin>";
    lint_file(run, standard ? name : path, &file);
    file_free(&file);
}

static void lint_named(struct run *run, const char *name)
{
    struct paths paths = {0};
    struct fault fault = {0};
    if (strcmp(name, "-") == 0 || !file_is_folder(name)) {
        lint_path(run, name);
        return;
    }
    if (!paths_below(&paths, name, &fault))
        add_fault(run, &fault);
    for (size_t i = 0; i < paths.count; i++)
        lint_path(run, paths.list[i]);
    paths_free(&paths);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool is_colored(const struct options *o)
{
    const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");
    if (o->color != COLOR_AUTO)
        return o->color == COLOR_ALWAYS;
    return isatty(STDOUT_FILENO) && !(none && *none) &&
           !(terminal && strcmp(terminal, "dumb") == 0);
}

static bool finish(struct run *run)
{
    run->out.faults = run->faults.list;
    run->out.fault_count = run->faults.count;
    output_end(&run->out);
    bool written = fflush(run->out.stream) == 0 && !ferror(run->out.stream);
    if (!written)
        (void)fputs("vouch-lint: the findings could not be written\n", stderr);
    return written;
}

int files_lint(const struct options *o, vouch_lint *lint)
{
    struct run run = {.o = o, .lint = lint};
    struct fault fault = {0};
    run.out = (struct output){
        .stream = stdout, .format = o->format, .colored = is_colored(o), .lint = lint};
    if (o->server && !server_open(o->server, &run.server, &fault))
        add_fault(&run, &fault);
    output_begin(&run.out);
    for (size_t i = 0; i < o->file_count; i++)
        lint_named(&run, o->files[i]);
    int result = finish(&run) && !run.faults.count ? EXIT_CLEAN : EXIT_FAILED;
    for (size_t level = o->fail_on; level <= VOUCH_LINT_ERROR; level++)
        if (run.out.counts[level] && result == EXIT_CLEAN)
            result = EXIT_FOUND;
    server_close(run.server);
    paths_free(&run.faults);
    return result;
}
