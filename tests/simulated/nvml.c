/* A stand-in for libnvidia-ml.so.1. It answers from the file SIMULATED_GPUS (see machine.h) with the calling
 * conventions of NVIDIA's nvml.h; what the file does not tell is 'not supported', as on real GPUs.
 * Compiled with -DOLD it lacks what drivers of 2019 lacked. */
#include "machine.h"

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };
enum { FIRST_MIG_HANDLE = 1000 };
typedef void *device;
typedef struct { char legacy[16]; unsigned domain, bus, device, device_id, subsystem; char id[32]; } pci_info;
typedef struct { unsigned long long total, free, used; } memory;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory_v2;
typedef struct { unsigned gpu, memory; } utilization;
typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } process;
typedef struct { unsigned version; unsigned char cluster[16]; unsigned status, clique; unsigned state, health; } fabric;
typedef struct { unsigned year; unsigned short month, day, hour, minute, second; unsigned char status; } expiry;
typedef struct { unsigned code, state; char info[128], product[128]; unsigned enabled; expiry expires; } license;
typedef struct { int supported; unsigned count; license features[3]; } licenses;
typedef struct { unsigned field, scope; long long when, latency; unsigned type, code; unsigned long long value; } field;

static int is_mig(device d) { return (long)d >= FIRST_MIG_HANDLE; }

static const char *told(device d, const char *name, int *code) {
    char key[64];
    if (!is_mig(d)) return tell_gpu((int)(long)d - 1, name, NOT_SUPPORTED, code);
    snprintf(key, sizeof key, "mig.%d.%s", (int)((long)d % 100), name);
    return tell_gpu((int)((long)d / 100 - 10), key, NOT_SUPPORTED, code);
}

static int number(device d, const char *name, unsigned *out) {
    int code;
    const char *value = told(d, name, &code);
    if (value) *out = (unsigned)strtoull(value, NULL, 0);
    return code;
}

static int big_number(device d, const char *name, unsigned long long *out) {
    int code;
    const char *value = told(d, name, &code);
    if (value) *out = strtoull(value, NULL, 0);
    return code;
}

static int text(device d, const char *name, char *out, unsigned size) {
    int code;
    const char *value = told(d, name, &code);
    if (value) snprintf(out, size, "%s", value);
    return code;
}

static int machine_text(const char *key, char *out, unsigned size) {
    int code;
    const char *value = tell(key, NOT_SUPPORTED, &code);
    if (value) snprintf(out, size, "%s", value);
    return code;
}

static int gpus(void) { const char *value = find("gpus"); return value ? atoi(value) : 0; }

#define NUMBER(function, name) int function(device d, unsigned *out) { return number(d, name, out); }
#define BIG_NUMBER(function, name) int function(device d, unsigned long long *out) { return big_number(d, name, out); }
#define TEXT(function, name) int function(device d, char *out, unsigned size) { return text(d, name, out, size); }

/* --- the library and the system --- */

static int initialise(void) { int code; tell("init", SUCCESS, &code); return code; }
int nvmlInit_v2(void) { return initialise(); }
int nvmlInitWithFlags(unsigned flags) { (void)flags; return initialise(); }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) {
    switch (code) {
    case 3: return "Not Supported";
    case 4: return "Insufficient Permissions";
    case 9: return "Driver Not Loaded";
    case 15: return "GPU is lost";
    case 17: return "GPU access blocked by the operating system";
    case 18: return "Driver/library version mismatch";
    default: return "Unknown Error";
    }
}
int nvmlSystemGetDriverVersion(char *out, unsigned size) { return machine_text("driver", out, size); }
int nvmlSystemGetNVMLVersion(char *out, unsigned size) { return machine_text("nvml", out, size); }
static int cuda(int *out) {
    int code;
    const char *value = tell("cuda", NOT_SUPPORTED, &code);
    if (value) *out = atoi(value);
    return code;
}
int nvmlSystemGetCudaDriverVersion(int *out) { return cuda(out); }
int nvmlSystemGetProcessName(unsigned pid, char *out, unsigned size) { snprintf(out, size, "process-%u", pid); return 0; }
int nvmlDeviceGetCount_v2(unsigned *out) {
    int code;
    tell("count", SUCCESS, &code);
    *out = (unsigned)gpus();
    return code;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, device *out) {
    int code;
    if ((int)index >= gpus()) return INVALID_ARGUMENT;
    tell_gpu((int)index, "handle", SUCCESS, &code);
    *out = (device)(long)(index + 1);
    return code;
}

/* --- one GPU --- */

TEXT(nvmlDeviceGetName, "name")
TEXT(nvmlDeviceGetUUID, "uuid")
TEXT(nvmlDeviceGetVbiosVersion, "vbios")
TEXT(nvmlDeviceGetSerial, "serial")
int nvmlDeviceGetIndex(device d, unsigned *out) { *out = (unsigned)(long)d - 1; return 0; }
NUMBER(nvmlDeviceGetMinorNumber, "minor")
int nvmlDeviceGetCudaComputeCapability(device d, int *major, int *minor) {
    int code;
    const char *value = told(d, "capability", &code);
    if (value) sscanf(value, "%d.%d", major, minor);
    return code;
}
int nvmlDeviceGetPciInfo_v3(device d, pci_info *out) {
    int code;
    const char *value = told(d, "pci", &code);
    if (!value) return code;
    memset(out, 0, sizeof *out);
    sscanf(value, "%x:%x:%x", &out->domain, &out->bus, &out->device);
    snprintf(out->id, sizeof out->id, "%s", value);
    snprintf(out->legacy, sizeof out->legacy, "%04x:%02x:%02x.0", out->domain & 0xffff, out->bus & 0xff, out->device & 0xff);
    number(d, "pci_device", &out->device_id);
    return SUCCESS;
}
int nvmlDeviceGetMemoryInfo(device d, memory *out) {
    int code = big_number(d, "memory", &out->total);
    out->used = 0;
    if (!code) big_number(d, "memory_used", &out->used);
    out->free = out->total - out->used;
    return code;
}
int nvmlDeviceGetBAR1MemoryInfo(device d, memory *out) {
    int code = big_number(d, "bar1", &out->total);
    out->free = out->total;
    return code;
}
int nvmlDeviceGetUtilizationRates(device d, utilization *out) {
    out->memory = 0;
    return number(d, "utilization", &out->gpu);
}
int nvmlDeviceGetTemperature(device d, int sensor, unsigned *out) { (void)sensor; return number(d, "temperature", out); }
int nvmlDeviceGetTemperatureThreshold(device d, int which, unsigned *out) {
    return number(d, which == 0 ? "temperature_shutdown" : "temperature_slowdown", out);
}
NUMBER(nvmlDeviceGetPowerUsage, "power")
NUMBER(nvmlDeviceGetEnforcedPowerLimit, "power_limit")
NUMBER(nvmlDeviceGetPowerManagementLimit, "power_limit")
NUMBER(nvmlDeviceGetPowerManagementDefaultLimit, "power_limit_default")
NUMBER(nvmlDeviceGetFanSpeed, "fan")
NUMBER(nvmlDeviceGetPersistenceMode, "persistence")
NUMBER(nvmlDeviceGetComputeMode, "compute_mode")
NUMBER(nvmlDeviceGetDisplayActive, "display_active")
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, "pcie_generation")
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, "pcie_width")
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, "pcie_generation_max")
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, "pcie_width_max")
NUMBER(nvmlDeviceGetPcieReplayCounter, "pcie_replays")
BIG_NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, "throttle")
int nvmlDeviceGetClockInfo(device d, int clock, unsigned *out) { return number(d, clock == 2 ? "clock_memory" : "clock_sm", out); }
int nvmlDeviceGetMaxClockInfo(device d, int clock, unsigned *out) { return number(d, clock == 2 ? "clock_memory_max" : "clock_sm_max", out); }
int nvmlDeviceGetEccMode(device d, unsigned *now, unsigned *pending) {
    int code = number(d, "ecc", now);
    *pending = *now;
    return code;
}
int nvmlDeviceGetTotalEccErrors(device d, int kind, int since, unsigned long long *out) {
    return big_number(d, kind ? (since ? "ecc_uncorrected" : "ecc_uncorrected_now") : "ecc_corrected", out);
}
int nvmlDeviceGetRetiredPages(device d, int cause, unsigned *count, unsigned long long *pages) {
    unsigned found = 0;
    int code = number(d, cause ? "retired_double" : "retired_single", &found);
    if (code) return code;
    if (*count < found) { *count = found; return INSUFFICIENT_SIZE; }
    for (unsigned i = 0; pages && i < found; i++) pages[i] = i;
    *count = found;
    return SUCCESS;
}
NUMBER(nvmlDeviceGetRetiredPagesPendingStatus, "retired_pending")

static int processes(device d, const char *name, unsigned *count, process *out) {
    int code, offset = 0, used;
    unsigned found = 0;
    process each;
    const char *value = told(d, name, &code);
    if (!value) return code == NOT_SUPPORTED ? (*count = 0, SUCCESS) : code;
    memset(&each, 0xff, sizeof each);
    while (sscanf(value + offset, "%u:%llu%n", &each.pid, &each.used, &used) == 2) {
        if (found < *count && out) out[found] = each;
        found++;
        offset += used;
    }
    code = found > *count ? INSUFFICIENT_SIZE : SUCCESS;
    *count = found;
    return code;
}

#ifndef OLD
int nvmlSystemGetCudaDriverVersion_v2(int *out) { return cuda(out); }
NUMBER(nvmlDeviceGetArchitecture, "architecture")
BIG_NUMBER(nvmlDeviceGetCurrentClocksEventReasons, "throttle")
int nvmlDeviceGetMemoryInfo_v2(device d, memory_v2 *out) {
    int code = big_number(d, "memory", &out->total);
    out->used = out->reserved = 0;
    if (!code) big_number(d, "memory_used", &out->used);
    out->free = out->total - out->used;
    return code;
}
int nvmlDeviceGetComputeRunningProcesses_v3(device d, unsigned *n, process *out) { return processes(d, "compute", n, out); }
int nvmlDeviceGetGraphicsRunningProcesses_v3(device d, unsigned *n, process *out) { return processes(d, "graphics", n, out); }
int nvmlDeviceGetMigMode(device d, unsigned *now, unsigned *pending) {
    int code = number(d, "mig_mode", now);
    *pending = *now;
    return code;
}
NUMBER(nvmlDeviceGetMaxMigDeviceCount, "mig_max")
int nvmlDeviceGetMigDeviceHandleByIndex(device d, unsigned index, device *out) {
    char key[32];
    int code;
    snprintf(key, sizeof key, "mig.%u.uuid", index);
    if (!told(d, key, &code)) return code == NOT_SUPPORTED ? NOT_FOUND : code;
    *out = (device)(FIRST_MIG_HANDLE + ((long)d - 1) * 100 + (long)index);
    return SUCCESS;
}
int nvmlDeviceIsMigDeviceHandle(device d, unsigned *out) { *out = (unsigned)is_mig(d); return SUCCESS; }
NUMBER(nvmlDeviceGetGpuInstanceId, "gpu_instance")
NUMBER(nvmlDeviceGetComputeInstanceId, "compute_instance")
int nvmlDeviceGetRemappedRows(device d, unsigned *correctable, unsigned *uncorrectable, unsigned *pending, unsigned *failed) {
    int code;
    const char *value = told(d, "remapped", &code);
    if (value) sscanf(value, "%u %u %u %u", correctable, uncorrectable, pending, failed);
    return code;
}
int nvmlDeviceGetNvLinkState(device d, unsigned link, unsigned *out) {
    int code;
    const char *value = told(d, "nvlinks", &code);
    if (!value) return code;
    if (link >= strlen(value)) return INVALID_ARGUMENT;
    *out = value[link] == '1';
    return SUCCESS;
}
NUMBER(nvmlDeviceGetVirtualizationMode, "virtualization")
int nvmlDeviceGetGpuFabricInfoV(device d, fabric *out) { out->status = 0; return number(d, "fabric", &out->state); }
int nvmlDeviceGetGridLicensableFeatures_v4(device d, licenses *out) {
    memset(out, 0, sizeof *out);
    out->supported = out->count = 1;
    return number(d, "vgpu_licensed", &out->features[0].enabled);
}
int nvmlDeviceGetGspFirmwareVersion(device d, char *out) { return text(d, "gsp", out, 64); }
int nvmlDeviceValidateInforom(device d) { unsigned ignored; int code = number(d, "inforom", &ignored); return code == NOT_SUPPORTED ? 0 : code; }
int nvmlDeviceGetFieldValues(device d, int count, field *out) {
    for (int i = 0; i < count; i++) {
        out[i].type = 1;
        out[i].value = 0;
        out[i].code = out[i].field == 230 ? (unsigned)big_number(d, "recovery", &out[i].value) : NOT_SUPPORTED;
    }
    return SUCCESS;
}
#else
int nvmlDeviceGetComputeRunningProcesses_v2(device d, unsigned *n, process *out) { return processes(d, "compute", n, out); }
int nvmlDeviceGetGraphicsRunningProcesses_v2(device d, unsigned *n, process *out) { return processes(d, "graphics", n, out); }
#endif
