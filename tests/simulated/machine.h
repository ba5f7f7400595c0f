/* What the stand-in libraries know of the simulated machine: lines of key=value in the file named by
 * SIMULATED_GPUS. A value may begin with '!': '!15' makes the call return error 15, '!segfault' kills the process,
 * '!hang' never returns. 'gpu.*.key' holds for every GPU that has no line of its own. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES 2048
static char *keys[LINES], *values[LINES];
static int lines = -1;

static void load_machine(void) {
    const char *path = getenv("SIMULATED_GPUS");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[1024];
    lines = 0;
    while (file && lines < LINES && fgets(line, sizeof line, file)) {
        char *equals = strchr(line, '=');
        line[strcspn(line, "\n")] = 0;
        if (!equals) continue;
        *equals = 0;
        keys[lines] = strdup(line);
        values[lines++] = strdup(equals + 1);
    }
    if (file) fclose(file);
}

static const char *find(const char *key) {
    if (lines < 0) load_machine();
    for (int i = 0; i < lines; i++)
        if (!strcmp(keys[i], key)) return values[i];
    return NULL;
}

static void act(const char *value) {
    if (!strcmp(value, "!segfault")) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    if (!strcmp(value, "!hang"))
        for (;;) pause();
}

/* Find a key of the machine; *code is 0, the error that the value asks for, or 'absent' where there is no such key. */
static const char *tell(const char *key, int absent, int *code) {
    const char *value = find(key);
    *code = absent;
    if (!value) return NULL;
    act(value);
    *code = value[0] == '!' ? atoi(value + 1) : 0;
    return *code ? NULL : value;
}

/* The same for one GPU. A line 'gpu.N.lost=!15' answers every call about that GPU. */
static const char *tell_gpu(int gpu, const char *name, int absent, int *code) {
    char key[128];
    snprintf(key, sizeof key, "gpu.%d.lost", gpu);
    if (find(key)) return tell(key, absent, code);
    snprintf(key, sizeof key, "gpu.%d.%s", gpu, name);
    if (!find(key)) snprintf(key, sizeof key, "gpu.*.%s", name);
    return tell(key, absent, code);
}
