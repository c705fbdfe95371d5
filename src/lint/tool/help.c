/* What the program says of itself and of its rules. */
#include "lint/tool/tool.h"

#include <stdio.h>
#include <string.h>
#include <vouch/common.h>

static const char *const help =
    "Usage: vouch-lint [OPTION…] FILE…|DIR…|-\n"
    "Finds what is wrong with Lua scripts for Redis and Valkey. A DIR stands for all *.lua below "
    "it, but for\n"
    "what is hidden; - is the standard input. Names may be mixed; behind -- all are files.\n"
    "\n"
    "What a source is\n"
    "  --eval             a script: EVAL, SCRIPT LOAD\n"
    "  --function         a function library: FUNCTION LOAD. Default: a first line `#!lua name=…` "
    "makes it one\n"
    "  --numkeys N        scripts are called with N keys\n"
    "  --target LIST      servers it is for, apart by commas: redis-7.0, redis-7.4, redis-8, "
    "valkey-8,\n"
    "                     valkey-9 …; default: all\n"
    "\n"
    "Rules\n"
    "  --severity R=LEVEL another severity for a rule: off, info, warning or error; any number of "
    "times\n"
    "  --rules DIR        rules of your own, *.lua; one with the name of a built-in rule takes its "
    "place\n"
    "  --list-rules       their names, severities and what each finds\n"
    "  --explain RULE     why, a bad example and a good one\n"
    "\n"
    "Output\n"
    "  --format FORMAT    text (default), json or sarif (2.1.0)\n"
    "  --color WHEN       auto (default: on a terminal, unless NO_COLOR is set), always or never\n"
    "  --fail-on LEVEL    lowest severity that counts for the exit status: info, warning "
    "(default), error\n"
    "  --stdin-name NAME  what - is called in findings\n"
    "\n"
    "Defaults\n"
    "  .vouch-lint in this folder, or in the nearest above it that has one: lines of `key = "
    "value`, where key\n"
    "  is one of color, eval, fail-on, format, function, numkeys, rules, severity, target. `eval = "
    "yes`;\n"
    "  severity may stand several times; paths are relative to the file; # begins a comment. The "
    "command\n"
    "  line wins.\n"
    "  --config FILE      that file instead\n"
    "  --no-config        none\n"
    "\n"
    "A server's word\n"
    "  --server URL       redis://, rediss:// or unix://: has that server compile each source too, "
    "and tells\n"
    "                     where it disagrees (rule server-disagrees). Nothing is called. A script "
    "is sent by\n"
    "                     SCRIPT LOAD: it stays in the server's cache, where nobody sees it, until "
    "SCRIPT FLUSH.\n"
    "                     A library is loaded under a random name and deleted in one transaction, "
    "so that it\n"
    "                     neither stays nor takes the place of another; its top level runs, as it "
    "always does.\n"
    "                     Only on the command line, never in .vouch-lint\n"
    "\n"
    "  --version, --help\n"
    "\n"
    "Comments allow what a rule would find, with a reason:\n"
    "  -- vouch-lint: allow RULE[, RULE…]: reason         behind code: in that line; alone in its "
    "line: in the\n"
    "                                                     statement that begins on the next line "
    "of code, up to\n"
    "                                                     the first statement inside it\n"
    "  -- vouch-lint: allow-file RULE[, RULE…]: reason    in all of the file\n"
    "One that allows nothing is told, and so is one that is not understood. Those about the linter "
    "itself, and\n"
    "errors of syntax, cannot be allowed.\n"
    "\n"
    "Exit status: 0 nothing found, or nothing at or above --fail-on; 1 something; 2 something "
    "could not be done:\n"
    "an option is wrong, a file cannot be read (the others are linted all the same), the server "
    "did not answer.\n"
    "\n"
    "Text: FILE:LINE:COLUMN: SEVERITY: MESSAGE [RULE], the line, and the place under it. Lines and "
    "columns count\n"
    "from 1, columns in bytes. JSON is one object:\n"
    "  version   1\n"
    "  files     of each source: file, kind (eval, function), refused (no server compiles it), "
    "leftOut (findings\n"
    "            beyond ten thousand), findings: rule, severity, message, line, column, endLine, "
    "endColumn (behind\n"
    "            the last byte), offset (from 0), length (both in bytes)\n"
    "  failures  what could not be done, as texts\n"
    "  counts    error, warning, info\n";

void help_show(void)
{
    (void)fputs(help, stdout);
}

void version_show(void)
{
    (void)printf("vouch-lint %s\n", vouch_version());
}

void rules_list(const vouch_lint *lint)
{
    const vouch_lint_rule *r;
    int width = 0;
    for (size_t i = 0; (r = vouch_lint_rule_at(lint, i)); i++)
        width = (int)strlen(r->name) > width ? (int)strlen(r->name) : width;
    for (size_t i = 0; (r = vouch_lint_rule_at(lint, i)); i++)
        (void)printf("%-*s  %-7s  %s%s\n", width, r->name, vouch_lint_severity_name(r->severity),
                     r->summary, r->own ? " (your own)" : "");
}

/* A text of some lines, further in; without empty ones at its end. */
static void indented(const char *text)
{
    size_t n = strlen(text);
    while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
        n--;
    while (n) {
        const char *end = memchr(text, '\n', n);
        size_t line = end ? (size_t)(end - text) : n;
        (void)printf("%s%.*s\n", line ? "    " : "", (int)line, text);
        line += end ? 1 : 0;
        text += line;
        n -= line;
    }
}

/* How many letters two names have in common at their beginnings. */
static size_t common(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

static const vouch_lint_rule *nearest(const vouch_lint *lint, const char *name)
{
    const vouch_lint_rule *r, *best = NULL;
    size_t most = 2;
    for (size_t i = 0; (r = vouch_lint_rule_at(lint, i)); i++)
        if (common(r->name, name) > most || strstr(r->name, name)) {
            most = common(r->name, name);
            best = r;
        }
    return best;
}

bool rule_explain(const vouch_lint *lint, const char *name, struct fault *fault)
{
    const vouch_lint_rule *r = vouch_lint_rule_find(lint, name);
    if (!r) {
        const vouch_lint_rule *near = nearest(lint, name);
        return fault_set(fault, "there is no rule '%s'; %s%s%s", name,
                         near ? "is it '" : "--list-rules names them", near ? near->name : "",
                         near ? "'?" : "");
    }
    (void)printf("%s (%s%s): %s\n\n", r->name, vouch_lint_severity_name(r->severity),
                 r->own ? ", your own" : "", r->summary);
    (void)printf("%s\n\nBad:\n\n", r->why);
    indented(r->bad);
    (void)printf("\nGood:\n\n");
    indented(r->good);
    return true;
}
