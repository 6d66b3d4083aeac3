use proptest::prelude::*;

use super::asn1::{Fields, Kind, Parameters};
use super::der::{self, Der, Oid};
use super::ec::Curve;
use super::private_key::PrivateKey;
use super::x509::Certificate;
use super::{base64, pem};

#[test]
fn reads_the_last_begin_before_an_end() {
    let text = b"-----BEGIN A-----\nlost\n-----BEGIN A-----\nAAAA\n-----END A-----\nrest";
    let (block, rest) = pem::decode(text);
    assert_eq!(*block.unwrap().bytes, [0, 0, 0]);
    assert_eq!(rest, b"rest");
}

#[test]
fn what_is_no_pem_is_left_whole() {
    let (block, rest) = pem::decode(b"-----BEGIN A-----\nAAAA\n");
    assert!(block.is_none());
    assert_eq!(rest, b"-----BEGIN A-----\nAAAA\n");
}

#[test]
fn lengths_have_one_form() {
    assert!(Der(&[0x04, 0x81, 0x05, 1, 2, 3, 4, 5]).any().is_none());
    assert!(Der(&[0x04, 0x05, 1, 2, 3, 4, 5]).any().is_some());
    assert!(Der(&[0x04, 0x84, 0xff, 0xff, 0xff, 0xff]).any().is_none());
}

#[test]
fn an_identifier_survives() {
    for arcs in [&[1, 2, 840, 113_549][..], &[2, 999, 3], &[0, 39]] {
        let written = der::write_oid(arcs);
        assert_eq!(Der(&written).oid().unwrap(), Oid::new(arcs.to_vec()));
    }
}

#[test]
fn the_smallest_private_key_has_the_base_point() {
    let mut scalar = vec![0; 32];
    scalar[31] = 1;
    let point = Curve::P256.public(&scalar).unwrap();
    assert_eq!(point[..5], [4, 0x6b, 0x17, 0xd1, 0xf2]);
    assert!(Curve::P256.check_point(&point).is_ok());
}

#[test]
fn a_source_that_is_not_random_makes_no_key() {
    assert!(Curve::P256.generate(|buffer| buffer.fill(0)).is_none());
}

proptest! {
    #[test]
    fn pem_survives(kind in "[A-Z ]{0,12}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = pem::encode(kind.as_bytes(), &bytes);
        let (block, rest) = pem::decode(&text);
        let block = block.unwrap();
        prop_assert_eq!(&*block.encode().unwrap(), &*text);
        prop_assert_eq!(&*block.bytes, &bytes);
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn readers_of_text_never_panic(text in "(-----BEGIN |-----END |A|-----|\n|:|=|\r| |é){0,30}") {
        let (_, rest) = pem::decode(text.as_bytes());
        prop_assert!(text.as_bytes().ends_with(rest));
        let _ = base64::decode(text.as_bytes());
    }

    #[test]
    fn readers_of_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut der = Der(&bytes);
        while der.any().is_some() {}
        let _ = Der(&bytes).bits();
        let mut fields = Fields::new(&bytes);
        while !fields.rest().is_empty() {
            if fields.field(Kind::Raw, Parameters::OPTIONAL).is_err() { break }
        }
        let _ = Certificate::parse(&bytes);
        let _ = PrivateKey::parse(&bytes);
    }

    #[test]
    fn keys_with_flipped_bits_never_panic(index in 0_usize..120, byte in any::<u8>()) {
        let mut scalar = vec![0; 32];
        scalar[31] = 1;
        let public = Curve::P256.public(&scalar).unwrap();
        let key = PrivateKey::Ec(Curve::P256, zeroize::Zeroizing::new(scalar), public);
        let mut written = key.pkcs8().unwrap();
        prop_assert!(PrivateKey::parse(&written).is_ok());
        if let Some(target) = written.get_mut(index) {
            *target = byte;
        }
        let _ = PrivateKey::parse(&written);
    }
}
