/* A stand-in for libcuda.so.1. It answers from the file SIMULATED_GPUS (see machine.h): 'cuda' is the version,
 * 'cuInit' the answer of cuInit; GPUs are those of NVML, in the order of 'visible' (such as 1,0) where it is given.
 * Compiled with -DSTUB it is the stub of the toolkit: every call answers 34. */
#include "machine.h"

enum { SUCCESS = 0, INVALID_VALUE = 1, INVALID_DEVICE = 101, STUB_LIBRARY = 34, UNKNOWN = 999 };
typedef int device;

#ifdef STUB
int cuInit(unsigned flags) { (void)flags; return STUB_LIBRARY; }
int cuDriverGetVersion(int *out) { (void)out; return STUB_LIBRARY; }
int cuGetErrorName(int code, const char **out) { (void)code; (void)out; return STUB_LIBRARY; }
int cuDeviceGetCount(int *out) { (void)out; return STUB_LIBRARY; }
#else
int cuInit(unsigned flags) {
    int code;
    (void)flags;
    tell("cuInit", SUCCESS, &code);
    return code;
}

int cuDriverGetVersion(int *out) {
    int code;
    const char *value = tell("cuda", UNKNOWN, &code);
    if (value) *out = atoi(value);
    return code;
}

int cuGetErrorName(int code, const char **out) {
    switch (code) {
    case 3: *out = "CUDA_ERROR_NOT_INITIALIZED"; return SUCCESS;
    case 100: *out = "CUDA_ERROR_NO_DEVICE"; return SUCCESS;
    case 803: *out = "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"; return SUCCESS;
    case 999: *out = "CUDA_ERROR_UNKNOWN"; return SUCCESS;
    default: *out = NULL; return INVALID_VALUE;
    }
}

/* Which of NVML's GPUs a device is; -1 if there is no such device. */
static int gpu_of(device d) {
    const char *visible = find("visible"), *all = find("gpus");
    if (!visible) return all && d < atoi(all) ? d : -1;
    for (const char *entry = visible; entry; entry = strchr(entry, ',') ? strchr(entry, ',') + 1 : NULL, d--)
        if (d == 0) return *entry ? atoi(entry) : -1;
    return -1;
}

static const char *about(device d, const char *name, int *code) {
    int gpu = gpu_of(d);
    char cuda_name[64];
    if (gpu < 0) { *code = INVALID_DEVICE; return NULL; }
    snprintf(cuda_name, sizeof cuda_name, "cuda_%s", name); /* where CUDA tells something else than NVML */
    const char *value = tell_gpu(gpu, cuda_name, UNKNOWN, code);
    return value ? value : tell_gpu(gpu, name, UNKNOWN, code);
}

int cuDeviceGetCount(int *out) {
    for (*out = 0; gpu_of(*out) >= 0; ++*out) ;
    return SUCCESS;
}

int cuDeviceGet(device *out, int index) {
    int code = 0;
    *out = index;
    if (gpu_of(index) < 0) return INVALID_DEVICE;
    tell_gpu(gpu_of(index), "cuDeviceGet", SUCCESS, &code);
    return code;
}

int cuDeviceGetName(char *out, int size, device d) {
    int code;
    const char *value = about(d, "name", &code);
    if (value) snprintf(out, (size_t)size, "%s", value);
    return code;
}

int cuDeviceGetPCIBusId(char *out, int size, device d) {
    int code;
    const char *value = about(d, "pci", &code);
    if (value) snprintf(out, (size_t)size, "%s", value + 4); /* CUDA writes the domain with four digits */
    return code;
}

int cuDeviceTotalMem_v2(size_t *out, device d) {
    int code;
    const char *value = about(d, "memory", &code);
    if (value) *out = strtoull(value, NULL, 0);
    return code;
}

int cuDeviceGetAttribute(int *out, int attribute, device d) {
    int code, major = 0, minor = 0;
    const char *value = about(d, "capability", &code);
    if (!value) return code;
    sscanf(value, "%d.%d", &major, &minor);
    *out = attribute == 75 ? major : minor;
    return SUCCESS;
}

int cuDeviceGetUuid(unsigned char *out, device d) {
    int code, used = 0;
    const char *value = about(d, "uuid", &code);
    if (!value) return code;
    for (const char *digit = value + 4; *digit && used < 16; digit += *digit == '-' ? 1 : 2) {
        unsigned byte;
        if (*digit == '-') continue;
        sscanf(digit, "%2x", &byte);
        out[used++] = (unsigned char)byte;
    }
    return SUCCESS;
}
#endif
