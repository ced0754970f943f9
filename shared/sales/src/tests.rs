mod any_story;
mod capacity;
mod crowd;
mod kakaopay;
mod seats;
mod shop;
mod story;
mod trouble;
