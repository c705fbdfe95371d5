/* Child processes that cannot outlive their parent: see children.h.
 * Between fork and exec only async-signal-safe calls are made: the parent may have threads. */
#include "children.h"

#include "base.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_OTHER_FD = 3, LAST_FD = 1023, CANNOT_RUN = 127 };

/* The parent may have died before the child asked to die with it. */
static void die_with_parent(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(CANNOT_RUN);
}

pid_t ts_child_run(ts_child_function function, void *user)
{
    pid_t parent = getpid();
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        ts_die("cannot fork: %s", strerror(errno));
    if (child > 0)
        return child;
    die_with_parent(parent);
    int status = function(user);
    fflush(NULL);
    _exit(status);
}

static void run_program(char *const argv[], const char *log)
{
    int input = open("/dev/null", O_RDONLY);
    int output = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (input < 0 || output < 0)
        _exit(CANNOT_RUN);
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    /* A descriptor that leaks into a server keeps a test's connection open after its close. */
    for (int fd = FIRST_OTHER_FD; fd <= LAST_FD; fd++)
        close(fd);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(argv[0], argv);
    static const char complaint[] = "cannot run the program\n";
    ssize_t written = write(STDERR_FILENO, complaint, sizeof complaint - 1);
    (void)written;
    _exit(CANNOT_RUN);
}

pid_t ts_child_exec(char *const argv[], const char *log)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0)
        ts_die("cannot fork: %s", strerror(errno));
    if (child > 0)
        return child;
    die_with_parent(parent);
    run_program(argv, log);
    _exit(CANNOT_RUN);
}

bool ts_child_wait(pid_t child, int64_t deadline, int *status)
{
    int ignored = 0;
    if (!status)
        status = &ignored;
    for (;;) {
        pid_t ended = waitpid(child, status, WNOHANG);
        if (ended == child)
            return true;
        if (ended < 0 && errno != EINTR)
            ts_die("process %d is no child of this one", (int)child);
        if (!ts_look_again(deadline))
            return false;
    }
}

void ts_child_kill(pid_t child)
{
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0)
        if (errno != EINTR)
            ts_die("process %d is no child of this one", (int)child);
}

char ts_process_state(pid_t process)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/stat", (int)process);
    FILE *file = fopen(name, "re");
    if (!file)
        return 0;
    char line[512] = "";
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = 0;
    const char *after_name = strrchr(line, ')');
    return after_name && after_name[1] ? after_name[2] : 0;
}

bool ts_process_pause(pid_t process, int64_t deadline)
{
    if (kill(process, SIGSTOP) != 0)
        return false;
    for (;;) {
        char state = ts_process_state(process);
        if (state == 'T' || state == 't')
            return true;
        if (state == 0 || state == 'Z' || !ts_look_again(deadline))
            return false;
    }
}

bool ts_process_resume(pid_t process, int64_t deadline)
{
    if (kill(process, SIGCONT) != 0)
        return false;
    for (;;) {
        char state = ts_process_state(process);
        if (state == 0 || state == 'Z')
            return false;
        if (state != 'T' && state != 't')
            return true;
        if (!ts_look_again(deadline))
            return false;
    }
}
