//! By how much a refresh comes before its time, so that a fleet that was made in one instant does not
//! ask the provider for everything in one instant, again and again.
//!
//! Never later: whoever writes an interval means that no value is older.

use std::time::Duration;

use extsecret_crds::ExternalSecretSpec;
use extsecret_crds::external_secret::{SecretStoreRef, SourceRef};

/// The largest share of an interval by which a refresh comes early.
const MOST: f64 = 0.1;

/// How much before the end of its interval an object is refreshed. The same for all that read the same
/// key through stores of the same name: they share an answer.
pub(super) fn by(spec: &ExternalSecretSpec, interval: Duration) -> Duration {
    interval.mul_f64(share(seed(spec)) * MOST)
}

/// The first of the keys, with the store that it is read through.
fn seed(spec: &ExternalSecretSpec) -> (&str, &str) {
    let data = spec.data().iter().map(|item| (item.source_ref.as_ref(), &*item.remote_ref.key));
    let data_from = spec.data_from().iter().map(|item| {
        (item.source_ref.as_ref(), item.extract.as_ref().map_or("", |reference| &*reference.key))
    });
    let default = spec.secret_store_ref.as_ref();
    let all = data.chain(data_from).map(|(item, key)| (store(item, default), key));
    all.min().unwrap_or_default()
}

/// The name of the store of an item.
fn store<'a>(item: Option<&'a SourceRef>, default: Option<&'a SecretStoreRef>) -> &'a str {
    let own = item.and_then(|source| source.store_ref.as_ref());
    own.or(default).and_then(|store| store.name.as_deref()).unwrap_or_default()
}

/// A number from 0 up to 1 that looks random, also of keys that differ in their last letter only: FNV-1a,
/// whose upper bits know little of the last bytes, and then the finalizer of `MurmurHash3`.
fn share((store, key): (&str, &str)) -> f64 {
    let bytes = store.bytes().chain([0]).chain(key.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
    let share = ((mixed ^ (mixed >> 33)) >> 11) as f64 / (1_u64 << 53) as f64;
    share
}
