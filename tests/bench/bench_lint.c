/* The linter: bench_lint throughput PATH... measures how much source it takes in a second, all rules, one core: the files
 * in these folders one by one, and all of them in a row as one source of 1 MiB. bench_lint start PROGRAM FILE is the time
 * from the start to the end of a program that is given a file. bench_lint count PATH... ROUNDS is for
 * callgrind: so many rounds over the files. */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vouch/lint.h>

enum { FILES_MAX = 200, FILE_MAX = 1 << 18, LONG = 1 << 20, ROUNDS = 5, STARTS = 51 };

static struct text {
    char *bytes;
    size_t size;
} files[FILES_MAX];
static size_t file_count, total;

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "bench_lint: %s\n", what);
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return values[n / 2];
}

/* ---- sources ------------------------------------------------------------------------------------ */

static void read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct text *text = &files[file_count];
    if (!file || file_count == FILES_MAX || !(text->bytes = malloc(FILE_MAX)))
        die(path);
    text->size = fread(text->bytes, 1, FILE_MAX, file);
    (void)fclose(file);
    total += text->size;
    file_count++;
}

static void read_folder(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        die(path);
    for (int i = 0; i < count; i++) {
        char name[1024];
        size_t n = strlen(entries[i]->d_name);
        (void)snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        if (n > 4 && strcmp(entries[i]->d_name + n - 4, ".lua") == 0)
            read_file(name);
        free(entries[i]);
    }
    free(entries);
}

/* All files without a shebang, each in a block of its own, again and again. */
static struct text long_text(void)
{
    struct text text = {malloc(LONG + FILE_MAX + 16), 0};
    if (!text.bytes)
        die("memory");
    for (size_t i = 0; text.size < LONG; i = (i + 1) % file_count)
        if (files[i].size && files[i].bytes[0] != '#') {
            memcpy(text.bytes + text.size, "do ", 3);
            memcpy(text.bytes + text.size + 3, files[i].bytes, files[i].size);
            memcpy(text.bytes + text.size + 3 + files[i].size, "\nend\n", 5);
            text.size += files[i].size + 8;
        }
    return text;
}

/* ---- measuring ---------------------------------------------------------------------------------- */

static void lint_text(vouch_lint *lint, struct text text)
{
    vouch_lint_source source = {.text = text.bytes, .size = text.size};
    vouch_lint_report *report = NULL;
    vouch_error error;
    if (vouch_lint_run(lint, &source, &report, &error) != VOUCH_OK)
        die(error.message);
    for (size_t i = 0; i < vouch_lint_count(report); i++) {
        const char *rule = vouch_lint_finding_at(report, i)->rule;
        if (strcmp(rule, "rule-failed") == 0 || strcmp(rule, "syntax") == 0)
            die(vouch_lint_finding_at(report, i)->message);
    }
    vouch_lint_report_free(report);
}

static void lint_files(vouch_lint *lint)
{
    for (size_t i = 0; i < file_count; i++)
        lint_text(lint, files[i]);
}

/* The lower of both, files and the long one, in MB a second of the processor: the linter waits for nothing. */
static void throughput(vouch_lint *lint)
{
    struct text whole = long_text();
    double each[ROUNDS], one[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
        lint_files(lint);
        double middle = seconds(CLOCK_PROCESS_CPUTIME_ID);
        lint_text(lint, whole);
        each[i] = (double)total / 1e6 / (middle - begin);
        one[i] = (double)whole.size / 1e6 / (seconds(CLOCK_PROCESS_CPUTIME_ID) - middle);
    }
    double a = median(each, ROUNDS), b = median(one, ROUNDS);
    (void)fprintf(stderr, "files %.2f MB/s, one long source %.2f MB/s\n", a, b);
    printf("%.3f\n", a < b ? a : b);
    free(whole.bytes);
}

static void start(const char *program, const char *file)
{
    double ms[STARTS];
    for (int i = 0; i < STARTS; i++) {
        double begin = seconds(CLOCK_MONOTONIC);
        pid_t child = fork();
        if (child == 0) {
            int nowhere = open("/dev/null", O_WRONLY);
            if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0 || dup2(nowhere, STDERR_FILENO) < 0)
                _exit(127);
            execl(program, program, file, (char *)NULL);
            _exit(127);
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status) ||
            WEXITSTATUS(status) > 1)
            die("vouch-lint could not run");
        ms[i] = (seconds(CLOCK_MONOTONIC) - begin) * 1e3;
    }
    printf("%.2f\n", median(ms, STARTS));
}

int main(int argc, char **argv)
{
    vouch_lint *lint = NULL;
    vouch_error error;
    if (argc == 4 && strcmp(argv[1], "start") == 0) {
        start(argv[2], argv[3]);
        return 0;
    }
    bool counts = argc > 3 && strcmp(argv[1], "count") == 0;
    for (int i = 2; i < argc - counts; i++)
        read_folder(argv[i]);
    if (!file_count)
        die("usage: bench_lint throughput FOLDER... | count FOLDER... ROUNDS | start PROGRAM FILE");
    if (vouch_lint_new(NULL, &lint, &error) != VOUCH_OK)
        die(error.message);
    if (counts)
        for (long n = strtol(argv[argc - 1], NULL, 10); n > 0; n--)
            lint_files(lint);
    else
        throughput(lint);
    vouch_lint_free(lint);
    for (size_t i = 0; i < file_count; i++)
        free(files[i].bytes);
    return 0;
}
