//! How long one Secret takes: a typical template of three keys, parsed and executed.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gotemplate::{Environment, Limits, MissingKey, Options, Template, Value};

/// As in the programs, whose speed is in question.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What users write: a connection string, a settings file, and a value in another encoding.
const KEYS: [&str; 3] = [
    "postgres://{{ .username }}:{{ .password | urlquery }}@{{ .host }}:{{ .port | default \"5432\" }}/{{ .database }}",
    "{{- range $key, $value := . }}\n{{ $key | upper | replace \"-\" \"_\" }}={{ $value | quote }}\n{{- end }}\n",
    "{{ if eq .tls \"true\" }}{{ dict \"user\" .username \"hash\" (sha256sum .password) | toJson | b64enc }}{{ else }}none{{ end }}",
];

const DATA: [(&str, &str); 6] = [
    ("username", "app"),
    ("password", "correct horse battery staple"),
    ("host", "db.example.org"),
    ("port", "5432"),
    ("database", "orders"),
    ("tls", "true"),
];

struct Nothing;

impl Environment for Nothing {
    fn now(&self) -> i128 {
        0
    }

    fn fill_random(&mut self, _: &mut [u8]) {}
}

fn options() -> Options {
    Options { missing_key: MissingKey::Error, ..Options::default() }
}

fn parse() -> Vec<Template> {
    KEYS.iter()
        .map(|text| Template::parse("key", text.as_bytes(), options()).expect("a valid template"))
        .collect()
}

fn execute(templates: &[Template], data: &Value, limits: &Limits) -> usize {
    templates
        .iter()
        .map(|template| {
            template.execute(data, &mut Nothing, limits).expect("a template that works").len()
        })
        .sum()
}

fn benchmarks(criterion: &mut Criterion) {
    let data = Value::string_map(DATA);
    let limits = Limits::default();
    let templates = parse();
    let output = Template::parse("key", KEYS[0].as_bytes(), options())
        .and_then(|template| template.execute(&data, &mut Nothing, &limits))
        .expect("a template that works");
    assert_eq!(output, b"postgres://app:correct+horse+battery+staple@db.example.org:5432/orders");

    let mut group = criterion.benchmark_group("three_keys");
    group.bench_function("parse", |bencher| bencher.iter(|| black_box(parse())));
    group.bench_function("execute", |bencher| {
        bencher.iter(|| black_box(execute(&templates, black_box(&data), &limits)));
    });
    group.bench_function("all", |bencher| {
        bencher.iter(|| {
            let data = Value::string_map(DATA);
            black_box(execute(&parse(), &data, &limits))
        });
    });
    group.finish();

    // A settings file of 100 keys, which no real Secret has in its template.
    let large = format!("{{{{ range until 100 }}}}{}{{{{ end }}}}", KEYS[0].replace(" .", " $."));
    let large = Template::parse("key", large.as_bytes(), options()).expect("a valid template");
    let large = [large];
    let mut group = criterion.benchmark_group("large");
    group.throughput(Throughput::Bytes(execute(&large, &data, &limits) as u64));
    group.bench_function("execute", |bencher| {
        bencher.iter(|| black_box(execute(&large, black_box(&data), &limits)));
    });
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
