#ifndef TS_CHILDREN_H
#define TS_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Child processes. A child is killed by the kernel when the *thread* that made it ends
 * (PR_SET_PDEATHSIG is per thread): make children from a thread that outlives them. */

typedef int (*ts_child_function)(void *user);

/* Runs the function in a forked child, which ends by _exit with what it returns. */
pid_t ts_child_run(ts_child_function function, void *user);
/* Runs a program, its input empty, its output and errors appended to the file `log`. A program
 * that cannot be run ends with status 127 and says so in the log. */
pid_t ts_child_exec(char *const argv[], const char *log);

/* Waits for the child's end and reaps it; *status (may be NULL) as waitpid gives it. False when
 * the deadline passed: the child still runs. */
bool ts_child_wait(pid_t child, int64_t deadline, int *status);
/* Kills the child with SIGKILL and reaps it. */
void ts_child_kill(pid_t child);
/* SIGSTOP and SIGCONT; both return once the process really stands or runs again, or false when
 * the deadline passed. These work on any process, not only on one's own children. */
bool ts_process_pause(pid_t process, int64_t deadline);
bool ts_process_resume(pid_t process, int64_t deadline);
/* The state letter of /proc/<pid>/stat (R, S, T, Z…), or 0 when there is no such process. */
char ts_process_state(pid_t process);

#endif
