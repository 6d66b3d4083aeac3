use proptest::prelude::*;

use super::super::Call;
use super::decode::{CERTIFICATE_BAG, DATA, KEY_BAG, X509_CERTIFICATE, decode};
use super::encode;
use super::kdf::{Hash, Purpose};
use crate::environment::Environment;
use crate::funcs::Failure;
use crate::funcs::certs::private_key::PrivateKey;
use crate::funcs::certs::x509::Certificate;
use crate::funcs::certs::{der, pem};
use crate::limits::LimitExceeded;

struct Counter(u8);

impl Environment for Counter {
    fn now(&self) -> i128 {
        0
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
    }
}

fn with_steps<T>(mut steps: u64, run: impl FnOnce(&mut Call<'_>) -> T) -> T {
    let (mut environment, mut bytes) = (Counter(0), 1 << 20);
    run(&mut Call {
        environment: &mut environment,
        literal: false,
        value_bytes_left: &mut bytes,
        steps_left: &mut steps,
    })
}

const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIPGBrpTg3goJk1LbhHXmmchO2Bb1S8hVY5S6PPxOMHZ0
-----END PRIVATE KEY-----
";

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBMDCB46ADAgECAhRahL9bgRmTRu6fkqVvnabLKzbpgjAFBgMrZXAwDTELMAkG
A1UEAwwCZWQwIBcNMjYxMTI1MDA0ODUwWhgPMjEyNjExMDEwMDQ4NTBaMA0xCzAJ
BgNVBAMMAmVkMCowBQYDK2VwAyEAvRVi6FZSV2r7lOhPNYLxydjqdwMLhrNUC+b/
P2u+5PajUzBRMB0GA1UdDgQWBBS2f80zCSyCAIVeSaZfPa3DnP4dcjAfBgNVHSME
GDAWgBS2f80zCSyCAIVeSaZfPa3DnP4dcjAPBgNVHRMBAf8EBTADAQH/MAUGAytl
cANBAAZ4HEgbP+z3g1DTDkCUPIj2epCmFiylgptaIMHydlwE10isCT4cV/yvlIf2
P0CKp5gLS3HwbzBsJxyTt/V0eQs=
-----END CERTIFICATE-----
";

fn file() -> Vec<u8> {
    let (key, certificate) = (pem::decode(KEY.as_bytes()).0, pem::decode(CERTIFICATE.as_bytes()).0);
    let key = PrivateKey::parse(&key.unwrap().bytes).unwrap();
    let certificate = Certificate::parse(&certificate.unwrap().bytes).unwrap();
    let file = with_steps(100_000, |call| {
        encode::key_store(call, &key, &[certificate], b"secret").unwrap()
    });
    file.to_vec()
}

/// A file that nothing protects, as it is read when there is no password.
fn open_file() -> Vec<u8> {
    let octets = |content: &[u8]| der::write(der::OCTET_STRING, content);
    let explicit = |content: &[u8]| der::write(der::context_constructed(0), content);
    let of_kind = |kind: &[u32], content: &[u8]| {
        der::write_all(der::SEQUENCE, &[&der::write_oid(kind), &explicit(content)])
    };
    let (key, certificate) = (pem::decode(KEY.as_bytes()).0, pem::decode(CERTIFICATE.as_bytes()).0);
    let certificate = of_kind(X509_CERTIFICATE, &octets(&certificate.unwrap().bytes));
    let bags: [&[u8]; 2] =
        [&of_kind(CERTIFICATE_BAG, &certificate), &of_kind(KEY_BAG, &key.unwrap().bytes)];
    let safe = of_kind(DATA, &octets(&der::write_all(der::SEQUENCE, &bags)));
    let message = der::write(der::SEQUENCE, &safe);
    let parts: [&[u8]; 2] = [&der::write_unsigned(&[3]), &of_kind(DATA, &octets(&message))];
    der::write_all(der::SEQUENCE, &parts).to_vec()
}

#[test]
fn reads_a_file_that_nothing_protects() {
    let contents = with_steps(100_000, |call| decode(call, &open_file(), b"").unwrap());
    let key = contents.key.pkcs8().unwrap();
    assert_eq!(&*pem::encode(b"PRIVATE KEY", &key), KEY.as_bytes());
    assert_eq!(contents.certificates.len(), 1);
    assert!(with_steps(100_000, |call| decode(call, &open_file(), b"secret").is_err()));
}

#[test]
fn reads_what_it_writes() {
    let contents = with_steps(100_000, |call| decode(call, &file(), b"secret").unwrap());
    let key = contents.key.pkcs8().unwrap();
    assert_eq!(&*pem::encode(b"PRIVATE KEY", &key), KEY.as_bytes());
    assert_eq!(contents.certificates.len(), 1);
}

#[test]
fn a_wrong_password_is_told_without_a_guess() {
    let failure = with_steps(100_000, |call| decode(call, &file(), b"wrong").err());
    let Some(Failure::Error(message)) = failure else { panic!("no error") };
    assert_eq!(message.reveal(), b"pkcs12: decryption password incorrect");
}

#[test]
fn iterations_cost_steps() {
    let failure = with_steps(600, |call| decode(call, &file(), b"secret").err());
    assert!(matches!(failure, Some(Failure::Limit(LimitExceeded::Steps))));
}

#[test]
fn derives_the_bytes_of_the_standard_way() {
    // `openssl kdf -keylen 24 -kdfopt digest:SHA1 -kdfopt hexpass:0073006d006500670000
    //  -kdfopt hexsalt:0A58CF64530D823F -kdfopt iter:1 -kdfopt id:1 PKCS12KDF`
    let key = Hash::Sha1.derive(
        Purpose::Key,
        b"\0s\0m\0e\0g\0\0",
        b"\x0a\x58\xcf\x64\x53\x0d\x82\x3f",
        1,
        24,
    );
    assert_eq!(
        data_encoding::HEXLOWER.encode(&key),
        "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn damaged_files_never_panic(index in 0_usize..800, byte in any::<u8>()) {
        let mut file = file();
        if let Some(target) = file.get_mut(index) {
            *target = byte;
        }
        let _ = with_steps(100_000, |call| decode(call, &file, b"secret").err());
    }

    #[test]
    fn damage_inside_of_files_never_panics(
        damage in proptest::collection::vec((0_usize..450, any::<u8>()), 1..4)
    ) {
        let mut file = open_file();
        for (index, byte) in damage {
            if let Some(target) = file.get_mut(index) {
                *target = byte;
            }
        }
        let _ = with_steps(100_000, |call| decode(call, &file, b"").err());
    }

    #[test]
    fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = with_steps(1_000, |call| decode(call, &bytes, b"").err());
    }
}
