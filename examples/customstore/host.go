package main

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/customstore/hoststore"
)

// host is the server that the library was imported into.
type host struct {
	db      *gorm.DB
	store   assessplan.Store
	within  func(tx *gorm.DB) assessplan.Store // the store on a transaction of the host's
	service *assessplan.Service
}

func newHost(ctx context.Context, db *gorm.DB, clock assessplan.Clock, events assessplan.EventPublisher) (*host, error) {
	store, err := hoststore.New(ctx, db)
	if err != nil {
		return nil, err
	}
	entries, err := assessplan.NewURLEntryGenerator("https://fill.example.org/", nil)
	if err != nil {
		return nil, err
	}
	service, err := assessplan.New(store, entries, &assessplan.Config{Clock: clock, Publisher: events})
	return &host{db: db, store: store, within: store.WithTx, service: service}, err
}

// AssessmentPlan is the host's model of a plan, as it was.
type AssessmentPlan struct {
	ID                          uint64
	OrgID, ScaleCode            string
	ScheduleType                string
	TriggerInterval, TotalTimes int
	Status                      string
	CreatedAt, UpdatedAt        time.Time
}

// TableName tells GORM the table.
func (AssessmentPlan) TableName() string { return "assessment_plan" }

// AssessmentTask is the host's model of a task, as it was, and what it now reads besides.
type AssessmentTask struct {
	ID, PlanID                    uint64
	OrgID, TesteeID, ScaleCode    string
	Seq                           int
	PlannedAt                     time.Time
	OpenAt, ExpireAt, CompletedAt *time.Time
	Status                        string
	AssessmentID, EntryToken      *string
	CreatedAt, UpdatedAt          time.Time
	UID                           uuid.UUID // the library's ID
}

// TableName tells GORM the table.
func (AssessmentTask) TableName() string { return "assessment_task" }

// taskID is the library's ID of a task that a request names: by the host's key, as old links do, or by the ID itself.
func (h *host) taskID(ctx context.Context, given string) (assessplan.TaskID, error) {
	key, err := strconv.ParseUint(given, 10, 64)
	if err != nil {
		return assessplan.ParseTaskID(given)
	}
	var task AssessmentTask
	err = h.db.WithContext(ctx).Select("uid").Where("version > 0").Take(&task, key).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = assessplan.ErrNotFound
	}
	return assessplan.TaskID(task.UID), err
}

// AnswerSheet is what a testee filled in.
type AnswerSheet struct {
	ID, TaskID uint64
	Answers    string
}

// TableName tells GORM the table.
func (AnswerSheet) TableName() string { return "answer_sheet" }

// handIn stores an answer sheet and completes its task: both, or neither.
func (h *host) handIn(ctx context.Context, task, token, answers string) (sheet AnswerSheet, err error) {
	id, err := h.taskID(ctx, task)
	if err != nil {
		return sheet, err
	}
	readCommitted := &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	err = h.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		sheet = AnswerSheet{Answers: answers}
		if err := tx.Model(&AssessmentTask{}).Where("uid = ?", id[:]).Pluck("id", &sheet.TaskID).Error; err != nil {
			return err
		}
		if err := tx.Create(&sheet).Error; err != nil {
			return err
		}
		submission := assessplan.Submission{AssessmentID: assessplan.AssessmentID("A-" + strconv.FormatUint(sheet.ID, 10))}
		_, err := h.service.Manager.Using(h.within(tx)).CompleteWithEntry(ctx, id, token, submission)
		return err
	}, readCommitted)
	return sheet, err
}
