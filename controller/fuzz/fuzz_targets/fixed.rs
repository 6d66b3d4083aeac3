//! Time and randomness for the targets that execute templates: the same every time.

use gotemplate::Environment;

pub(crate) struct Fixed(pub(crate) u64);

impl Environment for Fixed {
    fn now(&self) -> i128 {
        1_709_210_096_789_012_345
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = self.0.to_be_bytes()[0];
        }
    }
}
