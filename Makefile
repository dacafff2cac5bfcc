# SPDX-License-Identifier: Apache-2.0
# One Makefile, out of tree, quiet. `make help` says what there is.
BUILD := build$(if $(SAN),-san)$(if $(filter clang%,$(CC)),-clang)$(if $(FUZZ),-fuzz)
CC ?= cc
CLANG ?= clang
LIZARD ?= $(firstword $(wildcard .cache/venv/bin/lizard) lizard)
WERROR ?= 1
VERSION := $(shell cat VERSION)

# Keeps the flags this compiler knows, so that gcc, clang and cross compilers share one list.
known = $(foreach f,$(1),$(shell echo 'int x;' | $(CC) -Werror $(f) -x c -c -o /dev/null - 2>/dev/null && echo $(f)))

ifneq ($(filter-out help clean format format-check check-layers cppcheck budgets,$(or $(MAKECMDGOALS),all)),)
WARN := $(call known,-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion \
    -Wformat=2 -Wundef -Wvla -Wcast-qual -Wcast-align=strict -Wpointer-arith -Wwrite-strings \
    -Wstrict-prototypes -Wmissing-prototypes -Wmissing-declarations -Wold-style-definition \
    -Wredundant-decls -Wnested-externs -Wswitch-enum -Wimplicit-fallthrough \
    -Wnull-dereference -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wjump-misses-init \
    -Walloca $(if $(SAN)$(FUZZ),,-Wstack-usage=32768)) $(if $(filter 1,$(WERROR)),-Werror)
HARDEN := $(call known,-fstack-protector-strong -fstack-clash-protection -fcf-protection \
    -fPIE -fno-common -ftrivial-auto-var-init=zero) -D_FORTIFY_SOURCE=2
endif
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
INSTRUMENT := $(if $(SAN)$(FUZZ),$(SANITIZE)$(if $(FUZZ), -fsanitize=fuzzer-no-link))
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE $(WARN) $(or $(INSTRUMENT),$(HARDEN)) \
    -Ilib -Iexporter -Iprobe -Iprovision -isystem $(BUILD)/gen -isystem /usr/include/cjson \
    -include lib/base/banned.h $(CFLAGS)
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(INSTRUMENT) $(LDFLAGS)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(patsubst $(BUILD)/%,%,$@))

layers := base host bpf net contract
objects = $(patsubst %,$(BUILD)/%.o,$(basename $(1)))
lib_of = $(call objects,$(filter-out %.bpf.c,$(wildcard lib/$(1)/*.c lib/$(1)/*.S)))
archive = $(patsubst %,$(BUILD)/lib/lib%.a,$(1))

probe_obj := $(call objects,$(wildcard probe/*.c probe/check/*.c))
exporter_core := $(call objects,$(wildcard exporter/*/*.c) $(filter-out exporter/main.c,$(wildcard exporter/*.c)))
provision_obj := $(call objects,$(wildcard provision/*.c provision/*/*.c))
unit_tests := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/*_test.c))
fuzzers := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
headers := $(wildcard lib/*/*.h exporter/*.h exporter/*/*.h probe/*.h probe/*/*.h provision/*.h)
sources := $(foreach d,lib exporter probe provision tests,$(wildcard $d/*.[ch] $d/*/*.[ch]))
tidy_sources := $(filter-out %.h %.bpf.c tests/%,$(sources))

LIBS_HOST := -lz -lm
LIBS_BPF := -lbpf -lelf -lz
LIBS_JSON := -lcjson
LIBS_EXPORTER := -lmicrohttpd -lyaml -lpthread -ldl # libcurl is loaded when it is needed (lib/net)

.PHONY: all help static check unit accuracy fuzz lint check-headers check-layers format format-check tidy cppcheck \
    budgets docs docs-check install clean FORCE kepler-probe kepler-exporter kepler-stack
all: kepler-probe kepler-exporter $(if $(provision_obj),kepler-stack) ## build/bin/*

kepler-probe: $(BUILD)/bin/kepler-probe ## the diagnosis of a host
kepler-exporter: $(BUILD)/bin/kepler-exporter ## the Prometheus exporter
kepler-stack: $(BUILD)/bin/kepler-stack ## the stack tool (needs no libbpf)
static: $(BUILD)/bin/kepler-probe-static ## the probe as one file for any host of this architecture

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 18
	@echo 'V=1 shows commands, SAN=1 builds with ASan and UBSan, WERROR=0 is for distributions,'
	@echo 'CC=clang builds with clang; outputs are in build, build-san, build-clang, build-clang-fuzz.'

$(BUILD)/bin/kepler-probe: $(probe_obj) $(call archive,contract host bpf base)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS_BPF) $(LIBS_JSON) $(LIBS_HOST) -o $@
$(BUILD)/bin/kepler-exporter: $(BUILD)/exporter/main.o $(exporter_core) $(call archive,contract net host bpf base)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS_BPF) $(LIBS_JSON) $(LIBS_HOST) $(LIBS_EXPORTER) -o $@
$(BUILD)/bin/kepler-stack: $(provision_obj) $(call archive,net contract base)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS_JSON) -lm -lpthread -ldl -o $@

# Debian ships no libcjson.a: cJSON.c comes from Debian's source package, into .cache.
CJSON_SOURCE := .cache/cjson/cJSON.c
$(CJSON_SOURCE):
	$(Q)scripts/fetch-cjson.sh .cache
$(BUILD)/static/cJSON.o: $(CJSON_SOURCE)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) -std=gnu11 -O2 -g -fPIE $(INSTRUMENT) -c $< -o $@
$(BUILD)/bin/kepler-probe-static: $(probe_obj) $(call archive,contract host bpf base) $(BUILD)/static/cJSON.o
	@mkdir -p $(@D)
	$(call say,STATIC)
	$(Q)$(CC) -static -Wl,-z,relro,-z,now $(LDFLAGS) $^ -lbpf -lelf -lz \
	    $(if $(findstring /,$(shell $(CC) -print-file-name=libzstd.a)),-lzstd) -lm -o $@

define layer_rule
$(call archive,$(1)): $(call lib_of,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)ar crs $$@ $$^
endef
$(foreach l,$(layers),$(eval $(call layer_rule,$(l))))
$(call archive,exporter): $(exporter_core)
$(call archive,probe): $(filter-out %/main.o,$(probe_obj))
$(call archive,exporter probe):
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ar crs $@ $^

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -DKEPLER_VERSION='"$(VERSION)"' -MMD -MP -c $< -o $@
$(BUILD)/%.o: %.S $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,AS)
	$(Q)$(CC) -I$(BUILD)/gen -c $< -o $@
$(BUILD)/lib/bpf/tasks_object.o: $(BUILD)/gen/tasks.bpf.o
$(BUILD)/lib/host/cpu_power.o $(BUILD)/lib/host/cpu_wall.o $(foreach t,cpu_power cpu_wall accuracy,$(BUILD)/tests/unit/$t_test.o): $(BUILD)/gen/power_tables.h

# The program carries its BPF object; no vmlinux.h and no BTF of the building machine is needed.
$(BUILD)/gen/%.bpf.o: lib/bpf/%.bpf.c lib/bpf/%.h
	@mkdir -p $(@D)
	$(call say,BPF)
	$(Q)$(CLANG) -target bpf -D__TARGET_ARCH_$(if $(findstring aarch64,$(shell $(CC) -dumpmachine)),arm64,x86) -O2 -g \
	    -Wall -Wextra -Werror -Wno-unused-parameter -Ilib -I/usr/include/$(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))-linux-gnu -c $< -o $@
$(BUILD)/gen/power_tables.h: scripts/gen-power-tables.sh $(wildcard data/power/*.csv)
	@mkdir -p $(@D)
	$(call say,GEN)
	$(Q)scripts/gen-power-tables.sh data/power > $@

# Rewritten only when the command line changes, so changed flags rebuild what they touch.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS) $(VERSION)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(VERSION)' > $@

unit: $(unit_tests) ## unit tests, built
$(BUILD)/tests/%_test: $(BUILD)/tests/unit/%_test.o $(call archive,exporter probe net contract host bpf base)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -lcmocka $(LIBS_BPF) $(LIBS_JSON) $(LIBS_HOST) $(LIBS_EXPORTER) -o $@
accuracy: $(BUILD)/tests/accuracy_test ## measured errors of the estimates, each CPU left out in turn
	$(Q)$<
check: unit ## unit tests, run (everything: scripts/check.sh)
	$(Q)for t in $(unit_tests); do $$t || exit 1; done

fuzz: $(fuzzers) ## fuzz targets; with CC=clang FUZZ=1 under libFuzzer, else they replay a corpus
$(BUILD)/fuzz/%_fuzz: $(BUILD)/tests/fuzz/%_fuzz.o $(if $(FUZZ),,$(BUILD)/tests/fuzz/replay.o) $(call archive,exporter probe net contract host bpf base)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) $(if $(FUZZ),-fsanitize=fuzzer) $^ $(LIBS_BPF) $(LIBS_JSON) $(LIBS_HOST) $(LIBS_EXPORTER) -o $@

lint: format-check check-headers check-layers cppcheck tidy budgets ## every static check
check-headers: $(headers:%.h=$(BUILD)/%.hdr)
$(BUILD)/%.hdr: %.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,HDR)
	$(Q)echo '#include "$<"' | $(CC) $(ALL_CFLAGS) -I. -fsyntax-only -x c - && touch $@
check-layers: ## who includes whom, and who may use which library (scripts/layers.txt)
	$(Q)scripts/check-layers.sh
format-check:
	$(Q)clang-format --dry-run -Werror $(sources)
format: ## rewrite all sources in the project's format
	$(Q)clang-format -i $(sources)
tidy: $(tidy_sources:%.c=$(BUILD)/%.tidy)
$(BUILD)/%.tidy: %.c .clang-tidy $(headers) | $(BUILD)/gen/power_tables.h
	@mkdir -p $(@D)
	$(call say,TIDY)
	$(Q)clang-tidy --quiet $< -- -std=gnu11 -D_GNU_SOURCE -DKEPLER_VERSION='"$(VERSION)"' -Ilib -Iexporter -Iprobe -Iprovision \
	    -isystem $(BUILD)/gen -isystem /usr/include/cjson -include lib/base/banned.h 2>$@.err || { cat $@.err; exit 1; }
	@touch $@
cppcheck:
	$(Q)cppcheck --quiet -j 2 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 --std=c11 \
	    --suppress=missingIncludeSystem -D_GNU_SOURCE -Ilib -Iexporter -Iprobe -Iprovision $(tidy_sources)
budgets: ## function length and complexity (style: NLOC <= 60, CCN <= 12, 5 parameters)
	$(Q)$(LIZARD) -l c -C 12 -T nloc=60 -a 5 -w lib exporter probe provision

docs: $(BUILD)/bin/metrics-doc ## regenerate docs/metrics.md from the table in the code
	$(Q)$< > docs/metrics.md
docs-check: $(BUILD)/bin/metrics-doc
	$(Q)$< | diff -u docs/metrics.md - || { echo 'docs/metrics.md is stale: make docs'; exit 1; }
$(BUILD)/bin/metrics-doc: $(BUILD)/tests/tools/metrics_doc.o $(exporter_core) $(call archive,contract net host bpf base)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS_BPF) $(LIBS_JSON) $(LIBS_HOST) $(LIBS_EXPORTER) -o $@

PREFIX ?= /usr/local
install: all ## copy the programs to $(PREFIX)/bin, the systemd unit below $(PREFIX)/lib
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(addprefix $(BUILD)/bin/,kepler-probe kepler-exporter $(if $(provision_obj),kepler-stack)) $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/doc/kepler
	install -m 644 README.md LICENSE LICENSES.md $(DESTDIR)$(PREFIX)/share/doc/kepler
	sed 's|@PREFIX@|$(PREFIX)|g' deploy/systemd/kepler-exporter.service \
	    > $(DESTDIR)$(PREFIX)/lib/systemd/system/kepler-exporter.service
clean: ## remove all outputs (.cache with fetched sources stays)
	$(Q)rm -rf build build-*/
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
