//! How long one thread takes for a large installation: read, convert, write, and all of it.
//!
//! The numbers of a whole process (start-up, files, memory) come from `bench` of the tests.

mod corpus;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use extsecret_manifest::read::{self, Document, Limits};
use extsecret_manifest::source::{FileId, SourceFile, Sources};
use extsecret_manifest::write;
use extsecret_migrate::{Context, FileHints, Migration, Migrator, Options, Outcome};

/// As in the plugin, whose speed is in question.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn sources() -> Sources {
    let mut sources = Sources::default();
    for (name, text) in corpus::files() {
        sources.add(SourceFile::new(name, text));
    }
    sources
}

fn context() -> Context {
    let file = SourceFile::new("kes-deployment.yaml", corpus::DEPLOYMENT);
    let id = FileId(u32::MAX);
    let documents = read::read(id, &file, &Limits::default());
    let (context, _) = Context::from_deployment(id, documents.iter().filter_map(Document::node))
        .expect("the corpus has a Deployment");
    context
}

fn convert(sources: &Sources, documents: &[Vec<Document>], context: &Context) -> Migration {
    let options = Options::default();
    let mut migrator = Migrator::new(context, &options);
    for ((id, file), documents) in sources.iter().zip(documents) {
        migrator.add(id, file, documents, FileHints::default());
    }
    migrator.finish()
}

fn read_all(sources: &Sources) -> Vec<Vec<Document>> {
    sources.iter().map(|(id, file)| read::read(id, file, &Limits::default())).collect()
}

fn write_all(migration: &Migration) -> String {
    write::write_documents(migration.outputs.iter().map(extsecret_migrate::Output::node))
}

fn benchmarks(criterion: &mut Criterion) {
    let objects = corpus::FILES * corpus::OBJECTS_PER_FILE;
    let sources = sources();
    let context = context();
    let documents = read_all(&sources);
    let migration = convert(&sources, &documents, &context);
    let converted = migration.count(Outcome::Converted);
    // A benchmark of a refusal would be fast.
    assert!(converted > objects * 95 / 100, "only {converted} of {objects} objects are converted");
    assert_eq!(migration.objects.len(), objects);

    let mut group = criterion.benchmark_group("migrate 10000 objects");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.throughput(Throughput::Elements(objects as u64));
    group.bench_function("read", |b| b.iter(|| black_box(read_all(&sources))));
    group.bench_function("convert", |b| b.iter(|| convert(&sources, &documents, &context)));
    group.bench_function("write", |b| b.iter(|| write_all(&migration)));
    group.bench_function("all", |b| {
        b.iter_batched(
            || (),
            |()| write_all(&convert(&sources, &read_all(&sources), &context)),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
