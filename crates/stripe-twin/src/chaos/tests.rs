use quoin_kernel::rng::SeededRng;

use super::*;

fn mint() -> Mint {
    Mint::draw(&SeededRng::new(5))
}

#[test]
fn a_knob_at_rest_changes_nothing() {
    let knob = Knob(json!({}));
    assert_eq!(knob.fates(&mut mint()), [Fate { delay_ms: Some(0), fault: None }]);
    assert_eq!(knob.api_fault("/v1/customers", &mut mint()), None);
}

#[test]
fn a_hundred_per_cent_is_certain() {
    let knob = Knob(json!({"duplicate": 100, "delay": 100, "delay_ms": 7, "wrong_signature": 100}));
    let fate = || Fate { delay_ms: Some(7), fault: Some(WRONG_SIGNATURE) };
    assert_eq!(knob.fates(&mut mint()), [fate(), fate()]);
    let knob = Knob(json!({"close": 100, "path": "/v1/checkout"}));
    assert_eq!(knob.api_fault("/v1/checkout/sessions", &mut mint()), Some(ApiFault::Close));
    assert_eq!(knob.api_fault("/v1/customers", &mut mint()), None);
}

#[test]
fn chances_come_true_about_as_often_as_they_say() {
    let knob = Knob(json!({"drop": 30}));
    let mut mint = mint();
    let dropped = (0..2000).filter(|_| knob.fates(&mut mint)[0].fault == Some(DROPPED)).count();
    assert!((500..700).contains(&dropped), "{dropped}");
}
