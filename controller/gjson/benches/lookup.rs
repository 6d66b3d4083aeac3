//! How long a lookup takes in the largest secrets.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// An object of about a megabyte, the wanted member last.
fn megabyte() -> Vec<u8> {
    let mut json = b"{".to_vec();
    for number in 0.. {
        if json.len() > 1 << 20 {
            break;
        }
        let member = format!(
            r#""key{number}": {{"id": {number}, "tags": ["a", "b\"c", null], "text": "some text of a usual length"}}, "#
        );
        json.extend_from_slice(member.as_bytes());
    }
    json.extend_from_slice(br#""last": {"password": "found"}}"#);
    json
}

fn lookups(c: &mut Criterion) {
    let json = megabyte();
    let mut group = c.benchmark_group("one megabyte");
    group.throughput(Throughput::Bytes(json.len() as u64));
    for path in ["last.password", "la*.password", "missing", "@values.#.id"] {
        group.bench_function(path, |b| {
            b.iter(|| gjson::get(black_box(&json), black_box(path.as_bytes())));
        });
    }
    group.finish();
}

criterion_group!(benches, lookups);
criterion_main!(benches);
