/* Runs a fuzz target over files and the files of folders, where there is no fuzzer: what it once
 * found stays found. It fails if there is no file at all. */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

static size_t runs;

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    FUZZ_CHECK(file != NULL);
    struct stat status;
    FUZZ_CHECK(fstat(fileno(file), &status) == 0);
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size ? size : 1);
    FUZZ_CHECK(data != NULL);
    FUZZ_CHECK(fread(data, 1, size, file) == size);
    (void)fclose(file);
    (void)fprintf(stderr, "%s\n", path);
    FUZZ_CHECK(LLVMFuzzerTestOneInput(data, size) == 0);
    free(data);
    runs++;
}

static void replay(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        replay_file(path);
        return;
    }
    for (int i = 0; i < count; i++) {
        char file[4096];
        if (entries[i]->d_name[0] != '.') {
            int n = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
            FUZZ_CHECK(n > 0 && (size_t)n < sizeof file);
            replay_file(file);
        }
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%zu inputs\n", runs);
    return runs == 0;
}
